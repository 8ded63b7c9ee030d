"""The connector as a whole: what runs beside what, and in which order it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from importlib import metadata
from typing import TYPE_CHECKING

from connector.lease_keeper import LeaseKeeper
from connector.nudges import Nudges
from connector.patience import persistently
from connector.presence import Presence
from connector.roster import Roster
from infra.contract.leases import ConnectorRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from connector.parts import Parts
    from infra.aws.connectors import Connectors
    from infra.aws.leases import Leases
    from infra.aws.queues import Queues
    from infra.contract.ids import ConnectorId

_log = logging.getLogger(__name__)


class Supervisor:
    """One connector. `run` returns when it has drained."""

    def __init__(
        self,
        me: ConnectorId,
        parts: Parts,
        *,
        leases: Leases,
        queues: Queues,
        connectors: Connectors,
        shards: int,
    ) -> None:
        self._me = me
        self._parts = parts
        self._leases = leases
        self._presence = Presence(connectors, self._record)
        self._draining = False
        self._started_at = parts.clock.now()
        self._group = asyncio.TaskGroup()
        self._roster = Roster(parts, self._group)
        self._nudges = Nudges(
            queues, self._roster.nudge, shards=shards, wait=parts.settings.poll_for, group=self._group
        )
        self._keeper = LeaseKeeper(leases, self, me=me, settings=parts.settings, clock=parts.clock)

    def hold(self, shard: int, fence: int) -> None:
        """Serve a shard from now on; the lease keeper says which."""
        self._roster.hold(shard, fence)
        self._nudges.receive(shard)

    def drop(self, shard: int) -> Awaitable[object]:
        """Serve a shard no longer, from this moment; what is returned is done when nothing of it runs."""
        self._nudges.ignore(shard)
        return self._roster.drop(shard)

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then drain: finish sends, save blobs, flush events, release leases."""
        await persistently(self._leases.ensure)
        async with self._group:
            telling = self._group.create_task(self._presence.run(), name="presence")
            tasks = [
                self._group.create_task(work, name=name)
                for name, work in {
                    "leases": self._keeper.run(),
                    "events": self._parts.events.run(),
                    "sweep": self._sweep(),
                }.items()
            ]
            await stop.wait()
            await self._drain(telling)
            self._roster.abandon()
            for task in (telling, *tasks):
                task.cancel()

    async def _drain(self, telling: asyncio.Task[None]) -> None:
        _log.info("draining", extra={"sessions": len(self._roster)})
        self._draining = True
        try:
            async with asyncio.timeout(self._parts.settings.drain_within.total_seconds()):
                await self._keeper.leave()
                await self._parts.events.flush()
                self._presence.end()
                await telling
        except TimeoutError:
            # its leases are left to expire: what did not stop in time may still be at work
            _log.error("drain_timed_out", extra={"sessions": len(self._roster)})
        _log.info("drained")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._parts.settings.sweep_every.total_seconds())
            for shard in self._keeper.held:
                await self._roster.sweep(shard)

    def _record(self) -> ConnectorRecord:
        return ConnectorRecord(
            id=self._me,
            host=socket.gethostname(),
            pid=os.getpid(),
            version=metadata.version("roost"),
            started_at=self._started_at,
            seen_at=self._parts.clock.now(),
            sessions=len(self._roster),
            draining=self._draining,
        )
