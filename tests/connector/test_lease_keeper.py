"""How a connector keeps its leases, on a table in memory and a clock that the test moves."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.beats import Beats
from connector.lease_keeper import LeaseKeeper
from connector.settings import Settings
from infra.aws.errors import UnreachableError
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease
from tests.fleet.lease_table import LeaseTable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ME, OTHER = ConnectorId("c-me"), ConnectorId("c-other")


class Table(LeaseTable):
    """The leases, in memory, which can be out of reach."""

    reachable = True

    def all(self) -> list[Lease]:
        self._reach()
        return super().all()

    def renew(self, lease: Lease) -> Lease | None:
        self._reach()
        return super().renew(lease)

    def _reach(self) -> None:
        if not self.reachable:
            raise UnreachableError("no table")


class Shards:
    """Who serves the shards: notes what it is told."""

    quick = True

    def __init__(self) -> None:
        self.served: dict[int, int] = {}

    def hold(self, shard: int, fence: int) -> None:
        self.served[shard] = fence

    def drop(self, shard: int) -> asyncio.Future[None]:
        del self.served[shard]
        self.stopped = asyncio.get_running_loop().create_future()
        if self.quick:
            self.stopped.set_result(None)
        return self.stopped


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
            look_every=timedelta(seconds=0.01),
            lease_duration=timedelta(seconds=10),
        )
        self.keeper = LeaseKeeper(self.table, self.shards, me=ME, settings=settings, clock=self.clock)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until it is so."""
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what is waited for is anything but an event
                await asyncio.sleep(0.005)

    async def serving(self, **fences: int) -> None:
        """Wait until just these shards are served, under these fences."""
        wanted = {int(shard[1:]): fence for shard, fence in fences.items()}
        await self.until(lambda: self.shards.served == wanted)


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
        for _ in range(10):
            bench.clock.seconds += 1
            looked = bench.table.asked["all"]
            await bench.until(lambda looked=looked: bench.table.asked["all"] > looked + 1)  # type: ignore[misc]
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


async def test_it_takes_nothing_once_it_leaves_and_each_shard_is_free_when_nothing_of_it_runs() -> None:
    bench = Bench(Lease(0), Lease(1, OTHER, beat=1, fence=1))
    async with bench.running():
        await bench.serving(_0=1)
        bench.shards.quick = False

        leaving = asyncio.create_task(bench.keeper.leave())
        await bench.until(lambda: bench.table.stored[0].leaving)
        bench.table.stored[1] = Lease(1, beat=2, fence=1)
        beat = bench.table.stored[0].beat
        await bench.until(lambda: bench.table.stored[0].beat > beat + 2)
        still_held = bench.table.stored[0].holder
        bench.shards.stopped.set_result(None)
        await leaving

    assert still_held == ME
    assert bench.table.stored[0] == Lease(0, None, bench.table.stored[0].beat, 1)
    assert bench.table.stored[1].holder is None


async def test_the_richer_yields_what_is_wished_for_when_nothing_of_it_runs() -> None:
    bench = Bench(Lease(0), Lease(1))
    async with bench.running():
        await bench.serving(_0=1, _1=1)
        bench.shards.quick = False

        bench.table.wish(bench.table.stored[1], OTHER)
        await bench.serving(_0=1)
        still_held = bench.table.stored[1].holder
        bench.shards.stopped.set_result(None)
        await bench.until(lambda: bench.table.stored[1].holder is None)
        await asyncio.sleep(0.05)

    assert still_held == ME
    assert (bench.table.stored[1].holder, bench.table.stored[1].wanted_by) == (None, OTHER)


async def test_the_poorer_wishes_for_one_lease_and_waits() -> None:
    bench = Bench(*(Lease(shard, OTHER, beat=1, fence=1) for shard in range(4)))

    async with bench.running():
        await bench.until(lambda: bench.table.asked["wish"] > 0)
        await asyncio.sleep(0.05)

    assert [lease.wanted_by for lease in bench.table.stored.values()].count(ME) == 1
    assert bench.shards.served == {}


async def test_a_shard_whose_devices_still_stop_is_not_served_again_beside_them() -> None:
    bench = Bench(Lease(0))
    async with bench.running():
        await bench.serving(_0=1)
        bench.shards.quick = False

        bench.clock.seconds += 9.995
        await bench.serving()
        await asyncio.sleep(0.05)
        served_meanwhile = dict(bench.shards.served)
        bench.shards.stopped.set_result(None)

        await bench.serving(_0=2)
    assert served_meanwhile == {}


def test_a_connector_lives_while_any_of_its_leases_moves() -> None:
    beats = Beats(duration=10, wish=30)
    beats.observe([Lease(0, OTHER, beat=1), Lease(1, ME, beat=1)], now=0)

    leases = [Lease(0, OTHER, beat=2), Lease(1, ME, beat=1)]
    for second in range(1, 9):
        beats.observe(leases, now=second)

    assert beats.expired(now=10) == {1}
    assert beats.live(leases, now=10) == {OTHER}


def test_time_in_which_the_table_was_not_seen_does_not_count() -> None:
    beats = Beats(duration=10, wish=30)
    leases = [Lease(0, OTHER, beat=1)]
    beats.observe(leases, now=0)

    beats.observe(leases, now=60)

    assert beats.expired(now=60) == set()
    assert beats.expired(now=68) == {0}


def test_a_wish_is_no_sign_of_life_and_grows_old() -> None:
    beats = Beats(duration=10, wish=30)
    beats.observe([Lease(0, OTHER, beat=1)], now=0)
    wished = Lease(0, OTHER, beat=1, wanted_by=ME)

    beats.observe([wished], now=2)

    assert beats.expired(now=10) == {0}
    assert beats.without_old_wishes([wished], now=31) == [wished]
    assert beats.without_old_wishes([wished], now=32) == [Lease(0, OTHER, beat=1)]
