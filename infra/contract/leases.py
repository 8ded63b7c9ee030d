"""Who serves which shard: the lease, and the pure rules by which connectors share them.

A lease is held as long as its `beat` is seen to move. `fence` grows at each hand-over only and stamps every
write of its holder, so that what a holder wrote who lost it is refused. Modelled on Amazon's KCL; but here
nobody steals: the poorer wishes for one lease of the richest, who drains that shard and gives it back.

In all rules `live` are the connectors whose beat was seen to move, with or without `me`, and a lease that
somebody wishes for counts as the wisher's already. Wishes that are too old must have been taken out before.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from infra.contract.ids import ConnectorId

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Lease(msgspec.Struct, frozen=True):
    """One connector's right to serve a shard, as the table has it. No holder: released, or never taken."""

    shard: int
    holder: ConnectorId | None = None
    beat: int = 0
    fence: int = 0
    wanted_by: ConnectorId | None = None
    """Who asked the holder for it; when it is free, whom it is kept for."""
    leaving: bool = False
    """Its holder drains for good, and is not to be counted on."""


class ConnectorRecord(msgspec.Struct, frozen=True):
    """What a connector tells of itself."""

    id: ConnectorId
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    sessions: int = 0
    draining: bool = False


def leases_to_take(
    leases: Sequence[Lease],
    *,
    me: ConnectorId,
    live: Collection[ConnectorId],
    expired: Collection[int],
    abandoned: Collection[int] = (),
) -> list[Lease]:
    """Choose what to take now: what is kept for me, then free and expired leases up to the fair share.

    `expired` are the shards whose lease was not seen to move. `abandoned` are those that stood so for longer:
    whose share they are is too slow to take them, so anybody does, one at a time. Each connector has an order
    of its own, so that those who look at the same moment seldom want the same.
    """
    there = [lease for lease in leases if lease.holder is None or lease.shard in expired]
    there = [lease for lease in there if lease.holder != me]
    kept = [lease for lease in there if lease.wanted_by == me]
    free = [lease for lease in there if lease.wanted_by is None or lease.shard in expired]
    free = sorted((lease for lease in free if lease not in kept), key=lambda lease: _rank(lease, me))
    share = math.ceil(len(leases) / len({me, *live}))  # without wishers: they may be dead
    chosen = [*kept, *free[: max(0, share - _shares(leases)[me])]]
    return chosen or [lease for lease in free if lease.shard in abandoned][:1]


def lease_to_wish_for(
    leases: Sequence[Lease], *, me: ConnectorId, live: Collection[ConnectorId]
) -> Lease | None:
    """Choose a lease of the richest, who will not be the poorer for it; None if shares are fair."""
    shares = _shares(leases)
    richest = max(set(live) - {me}, key=lambda connector: (shares[connector], connector), default=None)
    if richest is None or shares[richest] <= shares[me] + 1:
        return None
    askable = [lease for lease in leases if lease.holder == richest and lease.wanted_by is None]
    return min(askable, key=lambda lease: _rank(lease, me), default=None)


def leases_to_yield(
    leases: Sequence[Lease],
    *,
    me: ConnectorId,
    live: Collection[ConnectorId],
    giving: Collection[int] = (),
) -> list[Lease]:
    """Choose which of my leases to drain for those who wish for them; those I am `giving` come first.

    A wish is followed only while it leaves me no poorer than the wisher, and not below my fair share.
    """
    shares = _shares(leases)
    wishers = {lease.wanted_by for lease in leases if lease.wanted_by is not None}
    least = len(leases) // len({me, *live, *wishers})
    mine = sum(lease.holder == me for lease in leases)
    wanted = [lease for lease in leases if lease.holder == me and lease.wanted_by not in (None, me)]
    chosen: list[Lease] = []
    for lease in sorted(wanted, key=lambda lease: lease.shard not in giving):
        left = mine - len(chosen) - 1
        if lease.wanted_by is not None and left >= max(least, shares[lease.wanted_by]):
            chosen.append(lease)
    return chosen


def _shares(leases: Sequence[Lease]) -> Counter[ConnectorId | None]:
    return Counter(lease.wanted_by or lease.holder for lease in leases)


def _rank(lease: Lease, me: ConnectorId) -> int:
    return zlib.crc32(f"{me} {lease.shard}".encode())
