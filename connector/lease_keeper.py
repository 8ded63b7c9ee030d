"""Keeps this connector's leases: takes its share, renews it, and lets go in time when it cannot renew."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from infra.aws.errors import AwsError
from infra.contract.leases import leases_to_take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.settings import Settings
    from infra.aws.leases import Leases
    from infra.contract.clock import Clock
    from infra.contract.ids import ConnectorId
    from infra.contract.leases import Lease

_log = logging.getLogger(__name__)


class Beats:
    """Whose leases are seen to move, by our own monotonic clock: nobody's time of day is trusted."""

    def __init__(self, duration: float) -> None:
        self._duration = duration
        self._moved: dict[int, tuple[Lease, float]] = {}

    def observe(self, leases: Sequence[Lease], now: float) -> None:
        """Take in what the table says now."""
        for lease in leases:
            before = self._moved.get(lease.shard)
            if before is None or before[0] != lease:
                self._moved[lease.shard] = (lease, now)

    def expired(self, now: float) -> set[int]:
        """Give the shards whose lease did not move for its duration."""
        return {shard for shard, (_, at) in self._moved.items() if now - at >= self._duration}

    def live(self, now: float) -> set[ConnectorId]:
        """Give the connectors that hold a lease which moves."""
        expired = self.expired(now)
        return {
            lease.holder
            for shard, (lease, _) in self._moved.items()
            if lease.holder is not None and shard not in expired
        }


class Shards(Protocol):
    """Who serves the shards of the leases that are held."""

    def hold(self, shard: int, fence: int) -> None:
        """Serve a shard from now on."""

    async def drop(self, shard: int) -> None:
        """Serve it no longer; returns when nothing of it runs."""


class LeaseKeeper:
    """One connector's leases."""

    def __init__(
        self, leases: Leases, shards: Shards, *, me: ConnectorId, settings: Settings, clock: Clock
    ) -> None:
        self._leases = leases
        self._shards = shards
        self._me = me
        self._clock = clock
        self._every = settings.renew_every.total_seconds()
        self._duration = settings.lease_duration.total_seconds()
        self._beats = Beats(self._duration)
        self._group = asyncio.TaskGroup()
        self._draining = False
        self._held: dict[int, Lease] = {}
        self._renewed_at: dict[int, float] = {}

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that are held."""
        return tuple(sorted(self._held))

    async def run(self) -> None:
        """Keep them for as long as this runs."""
        async with self._group:
            self._group.create_task(self._guard())
            while True:
                try:
                    await self._round()
                except AwsError as error:
                    _log.warning("leases_out_of_reach", extra={"cause": str(error)})
                await asyncio.sleep(self._every)

    def take_no_more(self) -> None:
        """Only renew from now on."""
        self._draining = True

    async def release(self) -> None:
        """Give back what is held; its shards must have been dropped."""
        held, self._held = list(self._held.values()), {}
        await asyncio.gather(*(asyncio.to_thread(self._leases.release, lease) for lease in held))

    async def _round(self) -> None:
        began = self._clock.monotonic()
        await asyncio.gather(*(self._renew(lease, began) for lease in list(self._held.values())))
        if self._draining:
            return
        leases = await asyncio.to_thread(self._leases.all)
        now = self._clock.monotonic()
        self._beats.observe(leases, now)
        # what the table says is ours, but we let go of when we could not renew it
        ours = [lease for lease in leases if lease.holder == self._me and lease.shard not in self._held]
        others = leases_to_take(
            leases, me=self._me, live=self._beats.live(now), expired=self._beats.expired(now)
        )
        for lease in [*ours, *others]:
            await self._take(lease)

    async def _renew(self, lease: Lease, began: float) -> None:
        renewed = await asyncio.to_thread(self._leases.renew, lease)
        if lease.shard not in self._held:
            return  # the guard let it go in the meantime
        if renewed is None:
            _log.warning("lease_lost", extra={"shard": lease.shard})
            self._let_go(lease.shard)
        else:
            self._held[lease.shard] = renewed
            self._renewed_at[lease.shard] = began

    async def _take(self, lease: Lease) -> None:
        began = self._clock.monotonic()
        taken = await asyncio.to_thread(self._leases.take, lease, self._me)
        if taken is None:
            return
        _log.info("lease_taken", extra={"shard": taken.shard, "fence": taken.fence, "before": lease.holder})
        self._held[taken.shard] = taken
        self._renewed_at[taken.shard] = began
        self._shards.hold(taken.shard, taken.fence)

    async def _guard(self) -> None:
        """Let go of what could not be renewed, one renewal before others may take it."""
        while True:
            await asyncio.sleep(self._every / 4)
            limit = self._clock.monotonic() - (self._duration - self._every)
            late = [shard for shard in self._held if self._renewed_at[shard] < limit]
            for shard in late:
                _log.error("lease_not_renewed", extra={"shard": shard})
                self._let_go(shard)

    def _let_go(self, shard: int) -> None:
        self._held.pop(shard, None)
        self._group.create_task(self._shards.drop(shard), name=f"drop-{shard}")
