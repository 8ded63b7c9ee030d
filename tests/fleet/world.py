"""Connectors as processes of a paper world: real lease keepers, each on an event loop of its own.

What is not real: the table (in memory), the network (requests take time, or are lost, or their answers are),
and the devices, for which stands one task a shard that writes a row with its fence all the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connector.lease_keeper import LeaseKeeper
from connector.settings import Settings
from infra.aws.errors import UnreachableError
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease
from tests.fleet.lease_table import LeaseTable
from tests.fleet.paper import PaperClock, PaperLoop, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet.paper import Call

SETTINGS = Settings(devices_folder=Path())
_WRITE_EVERY = 0.5
_FIRST_LATENCY = 0.02


class World:
    """A clock, a table, the network between, and what must never be seen: `advance` fails when it was."""

    def __init__(self, shards: int) -> None:
        self.clock = PaperClock()
        self.table = LeaseTable(*map(Lease, range(shards)))
        self.processes: list[Process] = []
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._rows: dict[int, tuple[int, ConnectorId]] = {}
        self._broken: list[str] = []

    def start(self) -> Process:
        """Start a connector."""
        process = Process(self, ConnectorId(f"c-{next(self._numbers)}"))
        self.processes.append(process)
        return process

    def close(self) -> None:
        """End all that runs."""
        for process in self.processes:
            process.kill()

    def advance(self, seconds: float) -> None:
        """Let time pass, from event to event."""
        end = self.clock.seconds + seconds
        while True:
            for process in self.processes:
                process.step()
            assert not self._broken, self._broken[0]
            times = [process.next_at for process in self.processes if process.runs]
            at = min([*times, self._agenda[0][0] if self._agenda else math.inf])
            if at > end:
                self.clock.seconds = end
                return
            self.clock.seconds = max(at, self.clock.seconds)
            while self._agenda and self._agenda[0][0] <= self.clock.seconds:
                heapq.heappop(self._agenda)[2]()

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Have something done in the world, whatever becomes of the processes."""
        heapq.heappush(self._agenda, (self.clock.seconds + seconds, next(self._numbers), what))

    def write(self, shard: int, fence: int, who: ConnectorId) -> None:
        """Write a shard's row, as all that a connector writes: refused if the row has a newer fence."""
        newest, writer = self._rows.get(shard, (-1, who))
        if fence > newest:
            self._rows[shard] = (fence, who)
        elif fence == newest and writer != who:
            self._broken.append(f"{writer} and {who} wrote shard {shard} under {fence}")

    def check_may_act(self, shard: int, fence: int, who: ConnectorId) -> None:
        """Nobody begins anything under a lease that another may have taken."""
        now = self.table.stored[shard]
        if (now.holder, now.fence) != (who, fence):
            self._broken.append(f"{who} acts on {shard} under {fence}: {now}")


class Process:
    """One connector; its attributes are what goes wrong with it."""

    def __init__(self, world: World, me: ConnectorId) -> None:
        self.me = me
        self.world = world
        self.runs = True
        self.paused = False
        self.leaving = False
        self.requests_lost = False
        self.answers_lost = False
        self.latency = _FIRST_LATENCY
        self.stop_seconds = 1.0
        self.next_at = 0.0
        self.served: dict[int, int] = {}
        self._loop = PaperLoop(world.clock, self._idle, self._call)
        self._writers: dict[int, asyncio.Task[None]] = {}
        self._keeper = LeaseKeeper(world.table, self, me=me, settings=SETTINGS, clock=world.clock)
        self._running = self._loop.create_task(self._keeper.run())

    @property
    def is_well(self) -> bool:
        """Whether it can be expected to serve."""
        hindered = self.paused or self.leaving or self.requests_lost or self.answers_lost
        return self.runs and not hindered and self.latency == _FIRST_LATENCY

    def step(self) -> None:
        """Let it do what there is to do now."""
        if self.runs and not self.paused:
            self._loop.run_forever()
            if self._running.done():
                self._running.result()  # raises what it raised
        if self.paused:
            self.next_at = math.inf

    def kill(self) -> None:
        """End it at once, without a word."""
        if not self.runs:
            return
        self.runs = self._loop.timers_run = False
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_forever()
        self._loop.close()
        self.served.clear()

    def leave(self) -> None:
        """Have it drain; then it ends."""
        self.leaving = True
        self._loop.create_task(self._leave())

    def hold(self, shard: int, fence: int) -> None:
        """Serve a shard: write."""
        assert shard not in self.served
        self.served[shard] = fence
        self._writers[shard] = self._loop.create_task(self._write(shard, fence))

    def drop(self, shard: int) -> asyncio.Future[None]:
        """Serve it no longer; to stop takes its time."""
        del self.served[shard]
        self._writers.pop(shard).cancel()
        stopped = self._loop.create_future()
        self._loop.call_later(self.stop_seconds, lambda: None if stopped.done() else stopped.set_result(None))
        return stopped

    async def _leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTINGS.drain_within.total_seconds()):
                await self._keeper.leave()
        self.world.later(0, self.kill)

    async def _write(self, shard: int, fence: int) -> None:
        while True:
            self.world.check_may_act(shard, fence, self.me)
            with contextlib.suppress(UnreachableError):
                await self._loop.run_in_executor(None, self.world.write, shard, fence, self.me)
            await asyncio.sleep(_WRITE_EVERY)

    def _idle(self, loop: PaperLoop, seconds: float | None) -> None:
        self.next_at = math.inf if seconds is None else self.world.clock.seconds + seconds
        loop.stop()

    def _call(self, loop: PaperLoop, call: Call, future: asyncio.Future[Any]) -> None:
        patience = SETTINGS.lease_answer_within.total_seconds()
        arrives = self.latency < patience / 2 and not self.answers_lost and not self.requests_lost

        def request() -> None:
            tell = answer(future, call)
            if arrives:
                self.world.later(self.latency, lambda: self._hear(loop, tell))

        def give_up() -> None:
            self._hear(loop, answer(future, _unreachable))

        if not self.requests_lost:
            self.world.later(self.latency, request)
        if not arrives:
            self.world.later(patience, give_up)

    def _hear(self, loop: PaperLoop, tell: Callable[[], None]) -> None:
        if self.runs:
            loop.call_soon(tell)
            self.next_at = self.world.clock.seconds


def _unreachable() -> None:
    raise UnreachableError("no answer")
