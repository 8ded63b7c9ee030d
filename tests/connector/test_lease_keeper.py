"""How a connector keeps its leases, on a table in memory and a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec

from connector.lease_keeper import Beats, LeaseKeeper
from connector.settings import Settings
from infra.aws.errors import UnreachableError
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from infra.aws.leases import Leases

ME, OTHER = ConnectorId("c-me"), ConnectorId("c-other")


class Table:
    """The leases, in memory."""

    def __init__(self, *leases: Lease) -> None:
        self.stored = {lease.shard: lease for lease in leases}
        self.reachable = True

    def all(self) -> list[Lease]:
        self._reach()
        return list(self.stored.values())

    def take(self, lease: Lease, me: ConnectorId) -> Lease | None:
        self._reach()
        if self.stored[lease.shard] != lease:
            return None
        taken = Lease(lease.shard, me, lease.beat + 1, lease.fence + 1)
        self.stored[lease.shard] = taken
        return taken

    def renew(self, lease: Lease) -> Lease | None:
        self._reach()
        now = self.stored[lease.shard]
        if (now.holder, now.fence) != (lease.holder, lease.fence):
            return None
        self.stored[lease.shard] = renewed = msgspec.structs.replace(lease, beat=lease.beat + 1)
        return renewed

    def release(self, lease: Lease) -> None:
        self.stored[lease.shard] = msgspec.structs.replace(lease, holder=None, beat=lease.beat + 1)

    def _reach(self) -> None:
        if not self.reachable:
            raise UnreachableError("no table")


class Shards:
    """Who serves the shards: notes what it is told."""

    def __init__(self) -> None:
        self.served: dict[int, int] = {}

    def hold(self, shard: int, fence: int) -> None:
        self.served[shard] = fence

    async def drop(self, shard: int) -> None:
        del self.served[shard]


class Clock:
    """Stands still until the test moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 1, 31, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class Bench:
    """A lease keeper whose rounds follow each other at once, whatever its clock says."""

    def __init__(self, *leases: Lease) -> None:
        self.table = Table(*leases)
        self.shards = Shards()
        self.clock = Clock()
        settings = Settings(
            devices_folder=Path(),
            renew_every=timedelta(seconds=0.01),
            lease_duration=timedelta(seconds=10),
        )
        self.keeper = LeaseKeeper(
            cast("Leases", self.table), self.shards, me=ME, settings=settings, clock=self.clock
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def serving(self, **fences: int) -> None:
        """Wait until just these shards are served, under these fences."""
        wanted = {int(shard[1:]): fence for shard, fence in fences.items()}
        async with asyncio.timeout(5):
            while self.shards.served != wanted:  # noqa: ASYNC110 - what is waited for is anything but an event
                await asyncio.sleep(0.005)


async def test_free_leases_are_taken_at_once() -> None:
    bench = Bench(Lease(0), Lease(1, fence=4))

    async with bench.running():
        await bench.serving(_0=1, _1=5)

    assert bench.keeper.held == (0, 1)


async def test_the_lease_of_a_dead_connector_is_taken_when_its_beat_stood_still_for_its_duration() -> None:
    bench = Bench(Lease(0, OTHER, beat=9, fence=3))

    async with bench.running():
        await asyncio.sleep(0.05)
        assert bench.shards.served == {}
        bench.clock.seconds += 10
        await bench.serving(_0=4)


async def test_a_lease_that_another_took_is_let_go() -> None:
    bench = Bench(Lease(0))
    async with bench.running():
        await bench.serving(_0=1)

        bench.table.stored[0] = Lease(0, OTHER, beat=5, fence=2)

        await bench.serving()


async def test_what_cannot_be_renewed_is_let_go_before_others_may_take_it_and_taken_again_later() -> None:
    bench = Bench(Lease(0))
    async with bench.running():
        await bench.serving(_0=1)

        bench.table.reachable = False
        bench.clock.seconds += 9.995
        await bench.serving()
        still_held = bench.table.stored[0].holder
        bench.table.reachable = True

        await bench.serving(_0=2)
        assert still_held == ME


async def test_while_it_drains_it_renews_and_takes_nothing() -> None:
    bench = Bench(Lease(0), Lease(1, OTHER, beat=1, fence=1))
    async with bench.running():
        await bench.serving(_0=1)

        bench.keeper.take_no_more()
        bench.clock.seconds += 5
        bench.table.stored[1] = Lease(1, beat=2, fence=1)
        beat = bench.table.stored[0].beat
        async with asyncio.timeout(5):
            while bench.table.stored[0].beat < beat + 3:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)

    assert bench.keeper.held == (0,)


async def test_what_is_released_is_free_for_anybody() -> None:
    bench = Bench(Lease(0))
    async with bench.running():
        await bench.serving(_0=1)

        await bench.keeper.release()

    assert bench.table.stored[0].holder is None


def test_a_connector_lives_while_any_of_its_leases_moves() -> None:
    beats = Beats(duration=10)
    beats.observe([Lease(0, OTHER, beat=1), Lease(1, ME, beat=1)], now=0)

    beats.observe([Lease(0, OTHER, beat=2), Lease(1, ME, beat=1)], now=8)

    assert beats.expired(now=12) == {1}
    assert beats.live(now=12) == {OTHER}
