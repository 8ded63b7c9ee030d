"""A device's database, as the supervisor reads, saves and restores it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest
import zstandard

from connector import device_file
from connector.device_file import UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

LINKED = ("INSERT INTO whatsmeow_device VALUES (?)", "14155550100:1@s.whatsapp.net")
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


@pytest.fixture
def linked(database: Path) -> Path:
    """The database of a linked device."""
    changed(database, LINKED)
    return database


def changed(database: Path, *statements: tuple[str, object]) -> None:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        for statement, value in statements:
            opened.execute(statement, (value,))
        opened.commit()


def test_a_device_is_linked_when_it_has_a_jid(database: Path) -> None:
    before = device_file.is_linked(database)

    changed(database, LINKED)

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


def test_a_snapshot_comes_back_as_it_was(linked: Path, tmp_path: Path) -> None:
    restored = tmp_path / "restored.db"

    device_file.restore(device_file.snapshot(linked), restored)

    assert device_file.is_linked(restored)
    assert device_file.is_sound(restored)
    assert restored.stat().st_mode & 0o777 == 0o600


def test_a_restore_leaves_nothing_of_what_was_there(linked: Path, tmp_path: Path) -> None:
    (tmp_path / "old.db-wal").write_bytes(b"of another database")

    device_file.restore(device_file.snapshot(linked), tmp_path / "old.db")

    assert sorted(path.name for path in tmp_path.glob("old*")) == ["old.db"]


@pytest.mark.parametrize(
    "blob",
    [b"", b"not compressed", zstandard.compress(b"not a database"), zstandard.compress(b"")],
    ids=["empty", "not compressed", "not a database", "nothing"],
)
def test_what_is_no_device_is_refused_and_leaves_what_was_there(
    blob: bytes, linked: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableError):
        device_file.restore(blob, linked)

    assert device_file.is_linked(linked)
    assert not list(tmp_path.glob("*.new*"))


def test_a_damaged_database_is_not_saved_over_a_good_one(linked: Path) -> None:
    damage(linked)

    assert not device_file.is_sound(linked)
    with pytest.raises(UnreadableError):
        device_file.snapshot(linked)


def test_what_nobody_has_touched_for_long_is_removed_with_all_of_its_kind(tmp_path: Path) -> None:
    for name in ("ada.db", "ada.db-wal", "ada.json", "bob.db", "bob.db-wal", "bob.json"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (100, 100))
    os.utime(tmp_path / "bob.db-wal", (300, 300))

    removed = device_file.remove_untouched(tmp_path, since=200)

    assert removed == ["ada"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bob.db", "bob.db-wal", "bob.json"]


def damage(database: Path) -> None:
    """Overwrite a page in the middle of a database."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("CREATE TABLE much (text TEXT)")
        opened.executemany("INSERT INTO much VALUES (?)", [(f"{n:0100}",) for n in range(1000)])
        opened.commit()
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with database.open("r+b") as file:
        file.seek(10 * 4096)
        file.write(b"\xff" * 4096)
