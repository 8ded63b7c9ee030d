"""One session's auth blob: which copy of the device's database is the truth, and when it is saved to S3.

The fence and the ETag keep writers apart: who is about to run a device saves the blob first (`claim`), under
its own fence and not final, so that whatever another still saves is refused, and no final mark outlives the
stop that it tells of.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from connector import device_file
from connector.device_file import UnreadableError
from connector.patience import persistently
from infra.aws.blobs import BadBlobError, Blob
from infra.aws.errors import AwsError

if TYPE_CHECKING:
    from datetime import timedelta

    from infra.aws.blobs import Blobs, SavedBlob
    from infra.contract.clock import Clock
    from infra.contract.session import Session

_log = logging.getLogger(__name__)

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class MissingError(Exception):
    """The session was linked, but there is no blob of it."""


class DoneSeq(Protocol):
    """Who knows how far the outbox is worked off."""

    @property
    def done_seq(self) -> int:
        """Everything up to this place has left it."""


class _Note(msgspec.Struct):
    """What stands beside a local database: the lease it was run under last, and the blob it went on from."""

    shard: int | None
    fence: int
    etag: str
    boot: str


_NOTE = msgspec.json.Decoder(_Note)


class AuthBlob:
    """The local database of a session, and its copy in S3. A save raises LostError if another saved since."""

    def __init__(
        self, session: Session, blobs: Blobs, outbox: DoneSeq, folder: Path, *, fence: int, clock: Clock
    ) -> None:
        self.database = folder / f"{session.id}.db"
        self._note = folder / f"{session.id}.json"
        self._session = session
        self._blobs = blobs
        self._outbox = outbox
        self._fence = fence
        self._clock = clock
        self._etag: str | None = None
        self._claimed = False
        self._touched = asyncio.Event()
        self._writing = asyncio.Lock()

    async def prepare(self) -> int | None:
        """Make the local database the newest there is; None if it knows of all that the device ever did.

        Else the place in the outbox up to which it knows of every sending. Raises MissingError, and
        UnreadableError if the blob is damaged.
        """
        try:
            saved = await persistently(self._blobs.load, self._session.id)
        except BadBlobError as error:
            raise UnreadableError(str(error)) from error
        self._etag = saved.etag if saved else None
        if saved is None and self._session.linked:
            raise MissingError(f"{self._session.id} was linked, but its auth blob is gone")
        if saved is None or await asyncio.to_thread(self._is_ours, saved):
            if saved is None:
                self.discard()
            return None
        self._note.unlink(missing_ok=True)
        await asyncio.to_thread(device_file.restore, saved.blob.content, self.database)
        return None if saved.blob.final else saved.blob.done_seq

    def is_linked(self) -> bool:
        """Tell whether a phone has linked the device."""
        return device_file.is_linked(self.database)

    def touch(self) -> None:
        """Say that the device's keys have changed."""
        self._touched.set()

    async def claim(self) -> None:
        """Before the device runs: see to it that nobody else can save, and that no save is final."""
        if not self._claimed:
            await self.save()

    async def save(self, *, final: bool = False) -> None:
        """Save now, unless no phone has linked the device, or not any more; `final` when it is stopped."""
        async with self._writing:
            self._touched.clear()
            if not self.is_linked():
                return
            done_seq, now = self._outbox.done_seq, self._clock.now()
            content = await asyncio.to_thread(device_file.snapshot, self.database)
            blob = Blob(content=content, fence=self._fence, saved_at=now, done_seq=done_seq, final=final)
            self._claimed = False
            self._etag = await persistently(self._blobs.save, self._session.id, blob, etag=self._etag)
            self._claimed = not final
            self._write_note(self._etag)

    async def save_when_touched(self, *, after: timedelta) -> None:
        """Save once per so much time at the most, for as long as there are changes."""
        while True:
            await self._touched.wait()
            await asyncio.sleep(after.total_seconds())
            if not self._touched.is_set():
                continue  # it was saved meanwhile, perhaps as final: that must stand
            try:
                await self.save()
            except AwsError as error:  # the blob grows older; who has to go on from it knows how old it is
                _log.error("auth_blob_not_saved", extra={"session": self._session.id, "cause": str(error)})
                self.touch()

    async def delete(self) -> None:
        """Forget the device here and in S3."""
        async with self._writing:
            self.discard()
            await persistently(self._blobs.delete, self._session.id)
            self._etag, self._claimed = None, False

    def discard(self) -> None:
        """Forget the local copy."""
        self._touched.clear()
        self._note.unlink(missing_ok=True)
        device_file.remove(self.database)

    def _is_ours(self, saved: SavedBlob) -> bool:
        """Tell whether the local database is newer than the blob: nobody else has held the session since.

        Not so after a restart of the machine: it may have taken the last writes with it.
        """
        note = self._read_note()
        return (
            note is not None
            and (note.shard, note.boot) == (self._session.shard, _boot())
            and self._session.fence <= note.fence
            # its own last save may have come through, and the note of it not
            and (saved.etag == note.etag or saved.blob.fence == note.fence)
            and self.database.exists()
            and device_file.is_sound(self.database)
        )

    def _read_note(self) -> _Note | None:
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return _NOTE.decode(self._note.read_bytes())
        return None

    def _write_note(self, etag: str) -> None:
        fresh = self._note.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.encode(_Note(self._session.shard, self._fence, etag, _boot())))
        fresh.replace(self._note)


def _boot() -> str:
    """Tell one run of the machine from the next, where the system has a name for it."""
    try:
        return _BOOT_ID.read_text().strip()
    except FileNotFoundError:
        return ""
