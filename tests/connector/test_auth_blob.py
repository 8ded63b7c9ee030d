"""Which copy of a device's database is the truth."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from connector.auth_blob import AuthBlob, MissingError
from connector.device_file import UnreadableError
from infra.aws.blobs import Blob, Blobs
from infra.aws.errors import LostError
from infra.contract import keys
from infra.contract.clock import SystemClock
from tests.aws.builders import NOW, a_connected_session

if TYPE_CHECKING:
    from pathlib import Path

    from infra.aws.clients import Clients


class Places:
    """How far the outbox is worked off."""

    done_seq = 0


def a_blob(folder: Path, clients: Clients, *, fence: int, fence_in_table: int = 0, **fields: Any) -> AuthBlob:
    """Give the blob of one session, as a connector finds it that has this fence."""
    folder.mkdir(exist_ok=True)
    session = a_connected_session(fence=fence_in_table, **fields)
    return AuthBlob(session, Blobs(clients), Places(), folder, fence=fence, clock=SystemClock())


async def a_run(folder: Path, clients: Clients, *, fence: int, saved: str, unsaved: str = "") -> AuthBlob:
    """Link a device, save, write on; the connector has died since."""
    blob = a_blob(folder, clients, fence=fence, linked=False)
    await blob.prepare()
    write(blob, saved)
    await blob.save()
    if unsaved:
        write(blob, unsaved)
    return blob


def write(blob: AuthBlob, note: str) -> None:
    """Link the device, and leave a note in its database."""
    with contextlib.closing(sqlite3.connect(blob.database)) as opened:
        opened.execute("CREATE TABLE IF NOT EXISTS whatsmeow_device (jid TEXT)")
        opened.execute("INSERT INTO whatsmeow_device VALUES (?)", (note,))
        opened.commit()


def notes(blob: AuthBlob) -> list[str]:
    with contextlib.closing(sqlite3.connect(blob.database)) as opened:
        return [note for (note,) in opened.execute("SELECT jid FROM whatsmeow_device")]


def stored(clients: Clients) -> Blob:
    """Give what S3 has."""
    saved = Blobs(clients).load(a_connected_session().id)
    assert saved is not None
    return saved.blob


async def test_a_new_session_begins_with_nothing_and_knows_all(tmp_path: Path, clients: Clients) -> None:
    blob = a_blob(tmp_path, clients, fence=1, linked=False)

    assert await blob.prepare() is None
    assert not blob.database.exists()


async def test_another_connector_goes_on_from_the_last_save_and_learns_what_that_knew(
    tmp_path: Path, clients: Clients
) -> None:
    first = await a_run(tmp_path / "a", clients, fence=1, saved="saved")
    Places.done_seq = 5
    try:
        await first.save()
    finally:
        Places.done_seq = 0
    write(first, "not saved")

    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)
    known_up_to = await second.prepare()

    assert notes(second) == ["saved"]
    assert known_up_to == 5


async def test_a_final_save_knows_all(tmp_path: Path, clients: Clients) -> None:
    first = await a_run(tmp_path / "a", clients, fence=1, saved="saved")
    await first.save(final=True)

    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)

    assert await second.prepare() is None
    assert notes(second) == ["saved"]


async def test_a_save_that_was_due_does_not_follow_the_final_one(tmp_path: Path, clients: Clients) -> None:
    blob = await a_run(tmp_path, clients, fence=1, saved="linked")
    saving = asyncio.create_task(blob.save_when_touched(after=timedelta(seconds=0.1)))
    blob.touch()
    await asyncio.sleep(0.05)

    await blob.save(final=True)
    await asyncio.sleep(0.3)
    was_final = stored(clients).final
    blob.touch()
    await asyncio.sleep(0.3)

    assert was_final
    assert not stored(clients).final  # it saves again as soon as there is reason to
    saving.cancel()


async def test_no_save_is_final_any_more_once_the_device_runs_again(tmp_path: Path, clients: Clients) -> None:
    first = await a_run(tmp_path / "a", clients, fence=1, saved="saved")
    await first.save(final=True)
    before = stored(clients).final

    await first.claim()

    assert (before, stored(clients).final) == (True, False)


async def test_a_claim_is_one_save_for_a_run(tmp_path: Path, clients: Clients) -> None:
    blob = await a_run(tmp_path, clients, fence=1, saved="saved")
    before = stored(clients)

    await blob.claim()

    assert stored(clients) == before


async def test_who_comes_back_after_a_crash_goes_on_with_the_local_database(
    tmp_path: Path, clients: Clients
) -> None:
    await a_run(tmp_path, clients, fence=1, saved="saved", unsaved="not saved")

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)

    assert await after.prepare() is None
    assert notes(after) == ["saved", "not saved"]


async def test_who_died_between_a_save_and_the_note_of_it_goes_on_with_the_local_database(
    tmp_path: Path, clients: Clients
) -> None:
    before = await a_run(tmp_path, clients, fence=1, saved="saved")
    note = (tmp_path / "Ada.json").read_bytes()
    await before.save()
    write(before, "not saved")
    (tmp_path / "Ada.json").write_bytes(note)

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)

    assert await after.prepare() is None
    assert notes(after) == ["saved", "not saved"]


async def test_who_comes_back_after_another_served_the_session_starts_from_the_save(
    tmp_path: Path, clients: Clients
) -> None:
    await a_run(tmp_path, clients, fence=1, saved="saved", unsaved="not saved")

    after = a_blob(tmp_path, clients, fence=3, fence_in_table=2)

    assert await after.prepare() == 0
    assert notes(after) == ["saved"]


async def test_a_session_that_came_from_another_shard_starts_from_the_save(
    tmp_path: Path, clients: Clients
) -> None:
    await a_run(tmp_path, clients, fence=9, saved="saved", unsaved="not saved")

    after = a_blob(tmp_path, clients, fence=3, fence_in_table=2, shard=1)

    assert await after.prepare() == 0
    assert notes(after) == ["saved"]


@pytest.mark.parametrize("note", [b"", b"{", b'{"fence":"x"}', b"\0" * 99])
async def test_a_note_that_cannot_be_read_is_no_note(note: bytes, tmp_path: Path, clients: Clients) -> None:
    await a_run(tmp_path, clients, fence=1, saved="saved", unsaved="not saved")
    (tmp_path / "Ada.json").write_bytes(note)

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)

    assert await after.prepare() == 0
    assert notes(after) == ["saved"]


async def test_after_a_restart_of_the_machine_the_local_database_is_not_trusted(
    tmp_path: Path, clients: Clients
) -> None:
    await a_run(tmp_path, clients, fence=1, saved="saved", unsaved="perhaps half")
    note = json.loads((tmp_path / "Ada.json").read_bytes())
    (tmp_path / "Ada.json").write_text(json.dumps({**note, "boot": "the one before"}))

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)

    assert await after.prepare() == 0
    assert notes(after) == ["saved"]


async def test_a_damaged_local_database_gives_way_to_the_save(tmp_path: Path, clients: Clients) -> None:
    before = await a_run(tmp_path, clients, fence=1, saved="saved")
    before.database.write_bytes(b"no database at all")

    after = a_blob(tmp_path, clients, fence=2, fence_in_table=1)

    assert await after.prepare() == 0
    assert notes(after) == ["saved"]


async def test_the_second_of_two_writers_learns_that_it_lost(tmp_path: Path, clients: Clients) -> None:
    first, second = (a_blob(tmp_path / name, clients, fence=1, linked=False) for name in "ab")
    for blob in (first, second):
        await blob.prepare()
        write(blob, "linked")
    await first.save()

    with pytest.raises(LostError):
        await second.save()


async def test_a_successor_that_claimed_refuses_every_later_save_of_the_holder_before(
    tmp_path: Path, clients: Clients
) -> None:
    first = await a_run(tmp_path / "a", clients, fence=1, saved="saved")
    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)
    await second.prepare()
    await second.claim()

    with pytest.raises(LostError):
        await first.save(final=True)

    assert (stored(clients).fence, stored(clients).final) == (2, False)


async def test_a_successor_learns_by_its_claim_that_the_holder_before_saved_once_more(
    tmp_path: Path, clients: Clients
) -> None:
    first = await a_run(tmp_path / "a", clients, fence=1, saved="saved")
    second = a_blob(tmp_path / "b", clients, fence=2, fence_in_table=1)
    await second.prepare()
    write(first, "and this")
    await first.save(final=True)

    with pytest.raises(LostError):
        await second.claim()
    known_up_to = await second.prepare()
    await second.claim()

    assert known_up_to is None
    assert notes(second) == ["saved", "and this"]


async def test_a_blob_that_is_gone_is_said_and_no_new_device_made_of_it(
    tmp_path: Path, clients: Clients
) -> None:
    with pytest.raises(MissingError):
        await a_blob(tmp_path, clients, fence=1).prepare()


@pytest.mark.parametrize("content", [b"", b"garbage", zstandard.compress(b"no database")])
async def test_a_blob_that_is_damaged_is_said(content: bytes, tmp_path: Path, clients: Clients) -> None:
    damaged = Blob(content=content, fence=1, saved_at=NOW)
    Blobs(clients).save(a_connected_session().id, damaged, etag=None)

    with pytest.raises(UnreadableError):
        await a_blob(tmp_path, clients, fence=2, fence_in_table=1).prepare()


async def test_a_blob_of_another_version_is_said(tmp_path: Path, clients: Clients) -> None:
    key = keys.auth_blob(a_connected_session().id)
    clients.s3.put_object(Bucket=clients.settings.bucket_name, Key=key, Body=b"", Metadata={"version": "9"})

    with pytest.raises(UnreadableError):
        await a_blob(tmp_path, clients, fence=2, fence_in_table=1).prepare()


async def test_a_device_that_was_unlinked_is_not_saved_any_more(tmp_path: Path, clients: Clients) -> None:
    blob = await a_run(tmp_path, clients, fence=1, saved="linked")
    await blob.delete()

    await blob.save(final=True)

    assert Blobs(clients).load(a_connected_session().id) is None
    assert not blob.database.exists()
