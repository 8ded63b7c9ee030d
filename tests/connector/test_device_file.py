"""A device's database, as the supervisor reads, saves and restores it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from connector import device_file

if TYPE_CHECKING:
    from pathlib import Path

SECRET = bytes(range(32))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with the tables that are read, its last change still in the WAL."""
    path = tmp_path / "ada.db"
    with contextlib.closing(sqlite3.connect(path)) as created:
        created.execute("PRAGMA journal_mode = WAL")
        created.execute("CREATE TABLE whatsmeow_device (jid TEXT)")
        created.execute("CREATE TABLE whatsmeow_message_secrets (message_id TEXT, key BLOB)")
    return path


def changed(database: Path, *statements: tuple[str, object]) -> None:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        for statement, value in statements:
            opened.execute(statement, (value,))
        opened.commit()


def test_a_device_is_linked_when_it_has_a_jid(database: Path) -> None:
    before = device_file.is_linked(database)

    changed(database, ("INSERT INTO whatsmeow_device VALUES (?)", "14155550100:1@s.whatsapp.net"))

    assert (before, device_file.is_linked(database)) == (False, True)


def test_a_database_that_is_not_there_or_empty_is_not_linked(tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()

    assert not device_file.is_linked(empty)
    assert not device_file.is_linked(tmp_path / "missing.db")


def test_a_message_is_found_by_its_secret(database: Path) -> None:
    statement = "INSERT INTO whatsmeow_message_secrets VALUES ('3EB0', ?)"
    changed(database, (statement, SECRET))

    assert device_file.wa_ids(database, SECRET) == ["3EB0"]
    assert device_file.wa_ids(database, bytes(32)) == []


@pytest.mark.parametrize("final", [True, False])
def test_a_snapshot_comes_back_as_it_was_and_says_whether_it_is_final(
    database: Path, tmp_path: Path, *, final: bool
) -> None:
    changed(database, ("INSERT INTO whatsmeow_device VALUES (?)", "14155550100:1@s.whatsapp.net"))

    blob = device_file.snapshot(database, final=final)
    restored = tmp_path / "restored.db"

    assert device_file.restore(blob, restored) is final
    assert device_file.is_linked(restored)
    assert restored.stat().st_mode & 0o777 == 0o600
    assert device_file.restore(device_file.snapshot(restored, final=False), restored) is False


def test_a_restore_leaves_nothing_of_what_was_there(database: Path, tmp_path: Path) -> None:
    blob = device_file.snapshot(database, final=True)
    target = tmp_path / "old.db"
    (tmp_path / "old.db-wal").write_bytes(b"of another database")

    device_file.restore(blob, target)

    assert sorted(path.name for path in tmp_path.glob("old.db*")) == ["old.db"]
