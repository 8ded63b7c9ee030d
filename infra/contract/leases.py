"""Who serves which shard: the lease, and the pure rules by which connectors share them.

A lease is held as long as its `beat` is seen to move. `fence` grows at each hand-over only and stamps every
write of its holder, so that what a holder wrote who lost it is refused. Modelled on Amazon's KCL.
"""

from __future__ import annotations

import math
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


class ConnectorRecord(msgspec.Struct, frozen=True):
    """What a connector tells of itself."""

    id: ConnectorId
    host: str
    pid: int
    version: str
    started_at: datetime
    seen_at: datetime
    sessions: int = 0


def fair_share(shards: int, connectors: int) -> int:
    """Give how many shards a connector should hold at the most."""
    return math.ceil(shards / max(connectors, 1))


def leases_to_take(
    leases: Sequence[Lease],
    *,
    me: ConnectorId,
    live: Collection[ConnectorId],
    expired: Collection[int],
) -> list[Lease]:
    """Choose what to take now: free and expired leases up to the fair share, else one from the richest.

    `live` are the connectors whose beat was seen to move, with or without `me`; `expired` the shards whose
    lease was not seen to move. One steals only from somebody who would still be richer, one at a time.
    """
    share = fair_share(len(leases), len({me, *live}))
    mine = sum(lease.holder == me for lease in leases)
    wanted = share - mine
    if wanted <= 0:
        return []
    free = [lease for lease in leases if lease.holder is None or lease.shard in expired]
    free = [lease for lease in free if lease.holder != me]
    if free:
        return free[:wanted]
    return _steal(leases, me=me, live=live, mine=mine)


def _steal(
    leases: Sequence[Lease], *, me: ConnectorId, live: Collection[ConnectorId], mine: int
) -> list[Lease]:
    holders = [lease.holder for lease in leases if lease.holder is not None and lease.holder != me]
    others = Counter(holder for holder in holders if holder in live)
    if not others:
        return []
    richest = max(others, key=lambda holder: (others[holder], holder))
    if others[richest] <= mine + 1:
        return []
    return [next(lease for lease in leases if lease.holder == richest)]
