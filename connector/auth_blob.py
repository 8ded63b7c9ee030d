"""One session's auth blob: which copy of the device's database is the truth, and when it is saved to S3."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from connector import device_file
from connector.patience import persistently

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from infra.aws.blobs import Blobs
    from infra.contract.clock import Clock
    from infra.contract.session import Session

_log = logging.getLogger(__name__)


class _Note(msgspec.Struct):
    """What stands beside a local database: whose it was last, and which blob it went on from."""

    fence: int
    etag: str | None


class AuthBlob:
    """The local database of a session, and its copy in S3. A save raises LostError if another saved since."""

    def __init__(self, session: Session, folder: Path, blobs: Blobs, *, fence: int, clock: Clock) -> None:
        self.database = folder / f"{session.id}.db"
        self._note = folder / f"{session.id}.json"
        self._session = session
        self._blobs = blobs
        self._fence = fence
        self._clock = clock
        self._etag: str | None = None
        self._touched = asyncio.Event()
        self._writing = asyncio.Lock()

    async def prepare(self) -> bool:
        """Make the local database the newest there is. True: it knows of every message that was ever sent."""
        blob = await persistently(self._blobs.load, self._session.id)
        self._etag = blob.etag if blob else None
        complete = self._is_ours()
        if not complete and blob is not None:
            complete = await asyncio.to_thread(device_file.restore, blob.content, self.database)
        elif not complete:
            device_file.remove(self.database)
            complete = True
        self._write_note()
        return complete

    def is_linked(self) -> bool:
        """Tell whether a phone has linked the device."""
        return device_file.is_linked(self.database)

    def touch(self) -> None:
        """Say that the device's keys have changed."""
        self._touched.set()

    async def save(self, *, final: bool = False) -> None:
        """Save now, unless no phone has linked the device, or not any more; `final` when it is stopped."""
        async with self._writing:
            self._touched.clear()
            if not self.is_linked():
                return
            now = self._clock.now()
            content = await asyncio.to_thread(device_file.snapshot, self.database, final=final)
            self._etag = await persistently(
                self._blobs.save, self._session.id, content, etag=self._etag, fence=self._fence, saved_at=now
            )
            self._write_note()

    async def save_when_touched(self, *, after: timedelta) -> None:
        """Save once per so much time at the most, for as long as there are changes."""
        while True:
            await self._touched.wait()
            await asyncio.sleep(after.total_seconds())
            await self.save()

    async def delete(self) -> None:
        """Forget the device here and in S3."""
        async with self._writing:
            self.discard()
            await persistently(self._blobs.delete, self._session.id)
            self._etag = None

    def discard(self) -> None:
        """Forget the local copy."""
        self._touched.clear()
        device_file.remove(self.database)
        self._note.unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        """Tell whether the local database is newer than the blob: nobody else has held the session since."""
        try:
            note = msgspec.json.decode(self._note.read_bytes(), type=_Note)
        except (FileNotFoundError, msgspec.DecodeError):
            return False
        return self.database.exists() and self._session.fence <= note.fence and note.etag == self._etag

    def _write_note(self) -> None:
        self._note.write_bytes(msgspec.json.encode(_Note(self._fence, self._etag)))
