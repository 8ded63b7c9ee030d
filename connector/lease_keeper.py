"""Keeps this connector's leases: takes its share, renews it, yields what is too much, lets go in time.

What is chosen is said by the rules in `infra.contract.leases`; here it is carried out, against a clock.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

import msgspec

from connector.beats import Beats
from connector.wishes import Wishes
from infra.aws.errors import AwsError
from infra.contract.leases import leases_to_take, leases_to_yield

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connector.settings import Settings
    from infra.contract.clock import Clock
    from infra.contract.ids import ConnectorId
    from infra.contract.leases import Lease

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_THREADS = 8
"""For the leases alone: a renewal must not queue behind calls that hang."""


class LeaseTable(Protocol):
    """The leases as the table has them: `infra.aws.leases.Leases`."""

    def all(self) -> list[Lease]:
        """Give all; they may be a moment old."""

    def take(self, lease: Lease, me: ConnectorId) -> Lease | None:
        """Take one that has not moved since it was read; None if it has."""

    def renew(self, lease: Lease) -> Lease | None:
        """Move the beat of one that is held; None if it is lost."""

    def release(self, lease: Lease) -> None:
        """Give one back."""

    def wish(self, lease: Lease, me: ConnectorId) -> bool:
        """Ask its holder for one."""

    def withdraw(self, lease: Lease, me: ConnectorId) -> None:
        """Take back a wish."""


class Shards(Protocol):
    """Who serves the shards of the leases that are held."""

    def hold(self, shard: int, fence: int) -> None:
        """Serve a shard from now on."""

    def drop(self, shard: int) -> Awaitable[object]:
        """Serve it no longer, from this moment; what is returned is done when nothing of it runs."""


class LeaseKeeper:
    """One connector's leases."""

    def __init__(
        self, leases: LeaseTable, shards: Shards, *, me: ConnectorId, settings: Settings, clock: Clock
    ) -> None:
        self._leases = leases
        self._shards = shards
        self._me = me
        self._clock = clock
        self._renew_every = settings.renew_every.total_seconds()
        self._look_every = settings.look_every.total_seconds()
        self._limit = settings.holds_for.total_seconds()
        patience = (settings.lease_duration + settings.drain_within).total_seconds()
        self._beats = Beats(duration=settings.lease_duration.total_seconds(), wish=patience)
        self._wishes = Wishes(me, patience=patience)
        self._threads = ThreadPoolExecutor(_THREADS, "leases")
        self._group = asyncio.TaskGroup()
        self._looking = asyncio.Lock()
        self._leaving = False
        self._held: dict[int, Lease] = {}
        self._renewed_at: dict[int, float] = {}
        self._parting: dict[int, asyncio.Task[None]] = {}

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that are held."""
        return tuple(sorted(self._held))

    async def run(self) -> None:
        """Keep them for as long as this runs."""
        try:
            async with self._group:
                self._guard()
                self._group.create_task(self._renew_again_and_again(), name="renew-leases")
                self._group.create_task(self._look_again_and_again(), name="look-at-leases")
        finally:
            self._guarding.cancel()

    async def leave(self) -> None:
        """Take nothing any more, and hand over each shard as soon as nothing of it runs.

        Returns when all are given back.
        """
        self._leaving = True
        self._held = {
            shard: msgspec.structs.replace(lease, leaving=True) for shard, lease in self._held.items()
        }
        await asyncio.gather(self._renew_all(), *map(self._part_from, list(self._held)))
        async with self._looking:  # what it was about to take is given back
            await asyncio.gather(*self._parting.values())

    async def _renew_again_and_again(self) -> None:
        while True:
            renewed = await self._renew_all()
            await asyncio.sleep(self._renew_every if renewed else self._look_every)

    async def _renew_all(self) -> bool:
        self._let_go_in_time()
        began = self._clock.monotonic()
        renewals = (self._renew(lease, began) for lease in list(self._held.values()))
        answers = await asyncio.gather(*renewals, return_exceptions=True)
        failures = [answer for answer in answers if answer is not None]
        for failure in failures:
            if not isinstance(failure, AwsError):
                raise failure
        if failures:
            _log.warning("leases_not_renewed", extra={"shards": len(failures), "cause": str(failures[0])})
        return not failures

    async def _renew(self, lease: Lease, began: float) -> None:
        renewed = await self._call(self._leases.renew, lease)
        self._let_go_in_time()  # first of all: an answer that comes too late saves nothing
        if self._held.get(lease.shard) is not lease:
            return  # it was let go or given back in the meantime
        if renewed is None:
            _log.warning("lease_lost", extra={"shard": lease.shard})
            self._let_go(lease.shard)
        else:
            self._held[lease.shard] = renewed
            self._renewed_at[lease.shard] = began

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                async with self._looking:
                    await self._look()
            except AwsError as error:
                _log.warning("leases_out_of_reach", extra={"cause": str(error)})
            await asyncio.sleep(self._look_every)

    async def _look(self) -> None:
        if self._leaving:
            return
        found = await self._call(self._leases.all)
        now = self._clock.monotonic()
        self._let_go_in_time()
        self._beats.observe(found, now)
        leases = self._beats.without_old_wishes(found, now)
        live, expired = self._beats.live(leases, now), self._beats.expired(now)
        abandoned = self._beats.abandoned(now)
        for lease in leases_to_yield(leases, me=self._me, live=live, giving=self._parting):
            if lease.shard in self._held:
                self._part_from(lease.shard)
        # what the table says is ours, but we let go of when we could not renew it, or never knew we had
        ours = [lease for lease in leases if lease.holder == self._me and lease.shard not in self._held]
        wanted = ours + leases_to_take(leases, me=self._me, live=live, expired=expired, abandoned=abandoned)
        for lease in wanted:
            await self._take(lease)
        for lease in self._wishes.to_withdraw(found, leases, live=live, now=now):
            await self._call(self._leases.withdraw, lease, self._me)
        wish = None if wanted or self._leaving else self._wishes.to_make(leases, live=live, now=now)
        if wish is not None:
            await self._call(self._leases.wish, wish, self._me)

    async def _take(self, lease: Lease) -> None:
        if self._leaving or lease.shard in self._parting:
            return
        began = self._clock.monotonic()
        taken = await self._call(self._leases.take, lease, self._me)
        if taken is None:
            return
        _log.info("lease_taken", extra={"shard": taken.shard, "fence": taken.fence, "before": lease.holder})
        self._held[taken.shard] = taken
        self._renewed_at[taken.shard] = began
        if self._leaving or self._is_late(taken.shard):
            await self._give_back(taken.shard)
        else:
            self._shards.hold(taken.shard, taken.fence)

    def _guard(self) -> None:
        """Let go of what could not be renewed, one renewal before others may take it.

        A bare callback and no task: when a process wakes that was stopped, tasks run only after it.
        """
        self._guarding = asyncio.get_running_loop().call_later(self._renew_every / 4, self._guard)
        self._let_go_in_time()

    def _let_go_in_time(self) -> None:
        for shard in [shard for shard in self._held if self._is_late(shard)]:
            _log.error("lease_not_renewed", extra={"shard": shard})
            self._let_go(shard)

    def _is_late(self, shard: int) -> bool:
        return self._clock.monotonic() - self._renewed_at[shard] >= self._limit

    def _let_go(self, shard: int) -> None:
        del self._held[shard]
        self._part_from(shard)

    def _part_from(self, shard: int) -> asyncio.Task[None]:
        """Serve a shard no longer, from this moment, and give its lease back if it is still held then."""
        if shard not in self._parting:
            parting = self._part(shard, self._shards.drop(shard))
            self._parting[shard] = self._group.create_task(parting, name=f"part-{shard}")
        return self._parting[shard]

    async def _part(self, shard: int, dropped: Awaitable[object]) -> None:
        try:
            await dropped
            await self._give_back(shard)
        finally:
            del self._parting[shard]

    async def _give_back(self, shard: int) -> None:
        lease = self._held.pop(shard, None)
        while lease is not None and not self._is_late(shard):
            try:
                await self._call(self._leases.release, lease)
            except AwsError as error:
                _log.warning("lease_not_released", extra={"shard": shard, "cause": str(error)})
                await asyncio.sleep(self._look_every)
            else:
                return

    async def _call(self, verb: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: verb(*args, **kwargs))
