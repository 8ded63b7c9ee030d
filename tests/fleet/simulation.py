"""`make simulate`: a fleet of real lease keepers on a paper clock, and what it asks of the table.

No sockets and no devices: a session is a number, spread over the shards as the API does it.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import random
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connector.lease_keeper import LeaseKeeper
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease
from tests.fleet.lease_table import LeaseTable
from tests.fleet.paper import PaperClock, PaperLoop, answer
from tests.fleet.world import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fleet.paper import Call

_LATENCY = 0.005
_STOP_SECONDS = 2.0
_QUIET = 60.0
_MONTH = 30 * 24 * 3600
_DOLLARS_A_WRITE, _DOLLARS_A_READ = 0.625e-6, 0.125e-6
"""DynamoDB on demand, us-east-1, a unit."""
_LEASE_BYTES, _READ_BYTES = 90, 4096
"""An item of a lease; what one unit reads."""


@dataclass(frozen=True)
class Figures:
    """What one event did."""

    what: str
    connectors: int
    served_again: float
    """Seconds until the last moment at which a shard was served by nobody."""
    fair_again: float
    moved: int
    writes: float
    """A second, on average until all was quiet."""
    looks: float
    fewest: int
    most: int
    """Sessions of a connector at the end."""


class Member:
    """One simulated connector."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.me = ConnectorId(f"c-{next(fleet.numbers):03d}")
        self.served: set[int] = set()
        self._keeper = LeaseKeeper(fleet.table, self, me=self.me, settings=SETTINGS, clock=fleet.clock)
        self._running = asyncio.create_task(self._keeper.run())

    def hold(self, shard: int, _fence: int) -> None:
        """Serve a shard."""
        self.served.add(shard)

    def drop(self, shard: int) -> asyncio.Future[None]:
        """Serve it no longer; its sessions take their time to stop."""
        self.served.discard(shard)
        loop = asyncio.get_running_loop()
        stopped = loop.create_future()
        loop.call_later(_STOP_SECONDS, lambda: None if stopped.done() else stopped.set_result(None))
        return stopped

    async def die(self) -> None:
        """End without a word."""
        self.served.clear()
        self._running.cancel()
        await asyncio.wait([self._running])

    async def leave(self) -> None:
        """Drain, then end."""
        await self._keeper.leave()
        await self.die()


class Fleet:
    """So many connectors, shards and sessions."""

    def __init__(self, clock: PaperClock, *, shards: int, sessions: int) -> None:
        self.clock = clock
        self.table = LeaseTable(*map(Lease, range(shards)))
        self.numbers = iter(range(10**6))
        self.members: list[Member] = []
        self._sessions = Counter(number % shards for number in range(sessions))

    async def start(self, number: int, *, within: float) -> None:
        """Start connectors, evenly within so many seconds."""
        for _ in range(number):
            self.members.append(Member(self))
            await asyncio.sleep(within / number)

    async def end(self, number: int, end: Callable[[Member], Any]) -> None:
        """End some, all at once."""
        ending, self.members = self.members[:number], self.members[number:]
        await asyncio.gather(*map(end, ending))

    async def replace(self, number: int) -> None:
        """Replace so many, one after the other: the new one starts, then an old one leaves."""
        for _ in range(number):
            await self.start(1, within=1)
            await self.end(1, Member.leave)

    async def measure(self, what: str, doing: Any) -> Figures:
        """Do something, and see what becomes of it until all was quiet for a minute."""
        before, began = Counter(self.table.asked), self.clock.seconds
        fences = sum(lease.fence for lease in self.table.stored.values())
        task = asyncio.ensure_future(doing)
        unserved, unfair = began, began
        while not task.done() or self.clock.seconds - max(unserved, unfair) < _QUIET:
            await asyncio.sleep(0.25)
            if sum(len(member.served) for member in self.members) < len(self.table.stored):
                unserved = self.clock.seconds
            if max(self._shares()) - min(self._shares()) > 1:
                unfair = self.clock.seconds
        await task
        seconds = self.clock.seconds - began
        asked = Counter(self.table.asked) - before
        held = [sum(self._sessions[shard] for shard in member.served) for member in self.members]
        return Figures(
            what=what,
            connectors=len(self.members),
            served_again=unserved - began,
            fair_again=unfair - began,
            moved=sum(lease.fence for lease in self.table.stored.values()) - fences,
            writes=(asked.total() - asked["all"]) / seconds,
            looks=asked["all"] / seconds,
            fewest=min(held),
            most=max(held),
        )

    def _shares(self) -> list[int]:
        return [len(member.served) for member in self.members]

    async def close(self) -> None:
        """End all."""
        await self.end(len(self.members), Member.die)


async def simulate(
    clock: PaperClock, *, connectors: int, shards: int, sessions: int, changed: int
) -> list[Figures]:
    """Let a fleet start, lose one and then many, gain some, be replaced, and run undisturbed."""
    fleet = Fleet(clock, shards=shards, sessions=sessions)
    figures = [
        await fleet.measure("start", fleet.start(connectors, within=10)),
        await fleet.measure("quiet", asyncio.sleep(_QUIET)),
        await fleet.measure("1 dies", fleet.end(1, Member.die)),
        await fleet.measure(f"{changed} die", fleet.end(changed, Member.die)),
        await fleet.measure(f"{changed + 1} join", fleet.start(changed + 1, within=10)),
        await fleet.measure("rolling restart", fleet.replace(connectors)),
    ]
    await fleet.close()
    return figures


def on_paper(*, connectors: int, shards: int, sessions: int, changed: int) -> list[Figures]:
    """Run the simulation in no time."""
    random.seed(0)
    clock = PaperClock()

    def skip(_loop: PaperLoop, seconds: float | None) -> None:
        assert seconds is not None, "everybody waits for ever"
        clock.seconds += seconds

    def call(loop: PaperLoop, call: Call, future: asyncio.Future[Any]) -> None:
        loop.call_later(_LATENCY, lambda: loop.call_later(_LATENCY, answer(future, call)))

    loop = PaperLoop(clock, skip, call)
    running = simulate(clock, connectors=connectors, shards=shards, sessions=sessions, changed=changed)
    try:
        return loop.run_until_complete(running)
    finally:
        loop.close()


def dollars_a_month(figures: Figures, *, shards: int) -> tuple[float, float]:
    """Give what the writes and the looks of undisturbed days cost a month."""
    units = math.ceil(shards * _LEASE_BYTES / _READ_BYTES) / 2  # half, as it may be a moment old
    writes = figures.writes * _MONTH * _DOLLARS_A_WRITE
    return writes, figures.looks * units * _MONTH * _DOLLARS_A_READ


def _table(figures: list[Figures], *, shards: int) -> str:
    names = (
        "what",
        "connectors",
        "served again",
        "fair again",
        "moved",
        "writes/s",
        "looks/s",
        "sessions each",
    )
    rows = [names, *map(_cells, figures)]
    lines = ["".join(cell.ljust(16) for cell in row).rstrip() for row in rows]
    quiet = next(row for row in figures if row.what == "quiet")
    writes, looks = dollars_a_month(quiet, shards=shards)
    dollars = (
        f"DynamoDB a month, undisturbed: writes ${writes:.0f}, looks ${looks:.0f} (on demand, us-east-1)"
    )
    return "\n".join([*lines, "", dollars, ""])


def _cells(row: Figures) -> tuple[str, ...]:
    return (
        row.what,
        str(row.connectors),
        f"{row.served_again:.1f} s",
        f"{row.fair_again:.1f} s",
        f"{row.moved} leases",
        f"{row.writes:.1f}",
        f"{row.looks:.1f}",
        f"{row.fewest} to {row.most}",
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--connectors", type=int, default=100)
    parser.add_argument("--shards", type=int, default=256)
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--changed", type=int, default=30)
    chosen = parser.parse_args()
    logging.getLogger("connector").setLevel(logging.CRITICAL)
    sys.stdout.write(_table(on_paper(**vars(chosen)), shards=chosen.shards))


if __name__ == "__main__":
    main()
