"""Tells people, by the table, that this connector lives and how it does. No decision rests on it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from connector.patience import persistently

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.aws.connectors import Connectors
    from infra.contract.leases import ConnectorRecord

_TELL_EVERY = timedelta(seconds=10)
_LOOK_SECONDS = 1.0


class Presence:
    """What the table is told of this connector: every change within a second, else every ten."""

    def __init__(self, connectors: Connectors, describe: Callable[[], ConnectorRecord]) -> None:
        self._connectors = connectors
        self._describe = describe
        self._ending = asyncio.Event()

    async def run(self) -> None:
        """Tell until `end`, and then have this connector forgotten."""
        told: ConnectorRecord | None = None
        while not self._ending.is_set():
            record = self._describe()
            if told is None or is_news(record, told):
                await persistently(self._connectors.put, record)
                told = record
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _LOOK_SECONDS)
        await persistently(self._connectors.remove, self._describe().id)

    def end(self) -> None:
        """Have `run` return."""
        self._ending.set()


def is_news(record: ConnectorRecord, told: ConnectorRecord) -> bool:
    """Decide whether a record is worth a write, after what was told last."""
    same = msgspec.structs.replace(record, seen_at=told.seen_at) == told
    return not same or record.seen_at - told.seen_at >= _TELL_EVERY
