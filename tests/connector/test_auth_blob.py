"""Which copy of a device's database is the truth."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from connector.auth_blob import AuthBlob
from infra.aws.blobs import Blobs
from infra.aws.errors import LostError
from infra.contract.clock import SystemClock
from tests.aws.builders import a_connected_session

if TYPE_CHECKING:
    from pathlib import Path

    from infra.aws.clients import Clients


def a_blob(folder: Path, clients: Clients, *, fence: int, fence_in_table: int = 0) -> AuthBlob:
    """Give the blob of one session, as a connector finds it that has this fence."""
    folder.mkdir(exist_ok=True)
    session = a_connected_session(fence=fence_in_table)
    return AuthBlob(session, folder, Blobs(clients), fence=fence, clock=SystemClock())


def write(blob: AuthBlob, note: str) -> None:
    """Link the device, and leave a note in its database."""
    with contextlib.closing(sqlite3.connect(blob.database)) as opened:
        opened.execute("CREATE TABLE IF NOT EXISTS whatsmeow_device (jid TEXT)")
        opened.execute("INSERT INTO whatsmeow_device VALUES (?)", (note,))
        opened.commit()


def notes(blob: AuthBlob) -> list[str]:
    with contextlib.closing(sqlite3.connect(blob.database)) as opened:
        return [note for (note,) in opened.execute("SELECT jid FROM whatsmeow_device")]


async def test_a_new_session_begins_with_nothing_and_knows_all(tmp_path: Path, clients: Clients) -> None:
    blob = a_blob(tmp_path, clients, fence=1)

    assert await blob.prepare()
    assert not blob.database.exists()


async def test_another_connector_goes_on_from_the_last_save(tmp_path: Path, clients: Clients) -> None:
    first = a_blob(tmp_path / "a", clients, fence=1)
    await first.prepare()
    write(first, "saved")
    await first.save()
    write(first, "not saved")

    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)
    knows_all = await second.prepare()

    assert notes(second) == ["saved"]
    assert not knows_all


async def test_a_final_save_knows_all(tmp_path: Path, clients: Clients) -> None:
    first = a_blob(tmp_path / "a", clients, fence=1)
    await first.prepare()
    write(first, "saved")
    await first.save(final=True)

    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)

    assert await second.prepare()
    assert notes(second) == ["saved"]


async def test_who_comes_back_after_a_crash_goes_on_with_the_local_database(
    tmp_path: Path, clients: Clients
) -> None:
    before = a_blob(tmp_path, clients, fence=1)
    await before.prepare()
    write(before, "saved")
    await before.save()
    write(before, "not saved")

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)
    knows_all = await after.prepare()

    assert notes(after) == ["saved", "not saved"]
    assert knows_all


async def test_who_comes_back_after_another_served_the_session_starts_from_the_save(
    tmp_path: Path, clients: Clients
) -> None:
    before = a_blob(tmp_path, clients, fence=1)
    await before.prepare()
    write(before, "saved")
    await before.save()
    write(before, "not saved")

    after = a_blob(tmp_path, clients, fence=3, fence_in_table=2)
    await after.prepare()

    assert notes(after) == ["saved"]


async def test_the_second_of_two_writers_learns_that_it_lost(tmp_path: Path, clients: Clients) -> None:
    first, second = (a_blob(tmp_path / name, clients, fence=1) for name in "ab")
    for blob in (first, second):
        await blob.prepare()
        write(blob, "linked")
    await first.save()

    with pytest.raises(LostError):
        await second.save()


async def test_a_device_that_was_unlinked_is_not_saved_any_more(tmp_path: Path, clients: Clients) -> None:
    blob = a_blob(tmp_path, clients, fence=1)
    await blob.prepare()
    write(blob, "linked")
    await blob.delete()

    await blob.save(final=True)

    assert Blobs(clients).load(a_connected_session().id) is None
    assert not blob.database.exists()
