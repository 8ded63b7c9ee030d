"""The supervisor's side of the spool: what is deleted when, and what a dead process left to be passed on."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec

from connector.device_host.protocol import MessageSeen, ReceiptSeen
from connector.device_host.spool import SUFFIX, read_spool, spool_file, spool_name
from connector.events import event_of
from infra.contract.ids import SessionId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from connector.events import Events

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 60.0
_UNREADABLE = ".unreadable"


class Spool:
    """The files of one start of a device."""

    def __init__(self, database: Path) -> None:
        self.name = f"{database.stem}.{uuid4().hex}"
        self._folder = database.parent
        self._number = 0
        self._heard = 0

    def heard(self) -> None:
        """Note that the host has said one more of what is in the present file."""
        self._heard += 1

    def turn(self) -> Callable[[], None]:
        """Go on to the next file; gives what deletes this one, to be called when all of it is published."""
        full = self._file()
        self._number += 1
        self._heard = 0
        return partial(full.unlink, missing_ok=True)

    def delete(self) -> None:
        """Delete the present file: the device has ended, and all is published."""
        self._file().unlink(missing_ok=True)

    def unheard(self) -> list[MessageSeen | ReceiptSeen]:
        """Give what the host has kept and did not live to say."""
        return (_kept(self._file()) or [])[self._heard :]

    def _file(self) -> Path:
        return spool_file(self._folder, self.name, self._number)


async def publish_left_again_and_again(
    folder: Path, events: Events, in_use: Callable[[], Collection[str]]
) -> None:
    """Publish what no device's listener will any more: of an earlier connector, or of a start that failed.

    To be begun before any device is started. `in_use` gives the names of the spools that are listened to.
    """
    grace = 0.0
    while True:
        files = await asyncio.to_thread(left_in, folder, in_use(), older_than=grace)
        await publish_left(files, events)
        published = asyncio.Event()
        await events.then(published.set)
        await published.wait()
        await asyncio.sleep(_LOOK_SECONDS)
        grace = _LOOK_SECONDS  # a host may go on writing for a moment after nobody listens


async def publish_left(files: Collection[Path], events: Events) -> None:
    """Publish what may not have been; what was is known by its id."""
    for file in files:
        seen = await asyncio.to_thread(_kept, file)
        if seen is None:
            file.rename(file.with_suffix(_UNREADABLE))  # for people to see; after a day it is tidied away
            continue
        session_id = SessionId(file.name.partition(".")[0])
        for each in seen:
            await events.put(event_of(session_id, each, maybe_known=True))
        await events.then(partial(file.unlink, missing_ok=True))
        _log.warning("spool_left", extra={"file": file.name, "events": len(seen)})


def left_in(folder: Path, in_use: Collection[str] = (), *, older_than: float = 0.0) -> list[Path]:
    """Give the files that belong to no spool in use, and that were not written to for so many seconds."""
    since = time.time() - older_than
    files = [file for file in folder.glob(f"*{SUFFIX}") if spool_name(file) not in in_use]
    return sorted((file for file in files if file.stat().st_mtime <= since), key=str)


def _kept(file: Path) -> list[MessageSeen | ReceiptSeen] | None:
    try:
        reports = read_spool(file)
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        _log.error("spool_unreadable", extra={"file": file.name, "cause": type(error).__name__})
        return None
    return [report for report in reports if isinstance(report, MessageSeen | ReceiptSeen)]
