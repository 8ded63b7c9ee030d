"""What moves among the leases, by our own monotonic clock: nobody's time of day is trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.contract.ids import ConnectorId
    from infra.contract.leases import Lease


class Beats:
    """Since when each lease stands still, and how old each wish is. Times are in seconds."""

    def __init__(self, *, duration: float, wish: float) -> None:
        self._duration = duration
        self._wish = wish
        self._moved: dict[int, tuple[Lease, float]] = {}
        self._wished: dict[int, tuple[Lease, float]] = {}
        self._observed_at = math.inf

    def observe(self, leases: Sequence[Lease], now: float) -> None:
        """Take in what the table says now.

        Time in which the table was not seen proves nothing: likely the holders did not reach it either.
        """
        blind = max(0.0, now - self._observed_at - self._duration / 4)
        self._moved = {shard: (lease, at + blind) for shard, (lease, at) in self._moved.items()}
        self._observed_at = now
        for lease in leases:
            # a wish is another's doing: it is no sign of life of the holder
            _note(self._moved, msgspec.structs.replace(_unwanted(lease), leaving=False), now)
            _note(self._wished, msgspec.structs.replace(lease, beat=0, leaving=False), now)

    def expired(self, now: float) -> set[int]:
        """Give the shards whose lease did not move for its duration."""
        return {shard for shard, (_, at) in self._moved.items() if now - at >= self._duration}

    def abandoned(self, now: float) -> set[int]:
        """Give the shards whose lease did not move for its duration and half of it, and which nobody took."""
        return {shard for shard, (_, at) in self._moved.items() if now - at >= 1.5 * self._duration}

    def live(self, leases: Sequence[Lease], now: float) -> set[ConnectorId]:
        """Give the connectors that hold one of these leases which moves, and mean to stay."""
        expired = self.expired(now)
        moving = [lease for lease in leases if lease.shard not in expired and not lease.leaving]
        return {lease.holder for lease in moving if lease.holder is not None}

    def without_old_wishes(self, leases: Sequence[Lease], now: float) -> list[Lease]:
        """Give these leases without the wishes that nobody has followed for too long."""
        old = {shard for shard, (_, at) in self._wished.items() if now - at >= self._wish}
        return [
            msgspec.structs.replace(lease, wanted_by=None) if lease.shard in old else lease
            for lease in leases
        ]


def _unwanted(lease: Lease) -> Lease:
    return msgspec.structs.replace(lease, wanted_by=None)


def _note(seen: dict[int, tuple[Lease, float]], lease: Lease, now: float) -> None:
    before = seen.get(lease.shard)
    if before is None or before[0] != lease:
        seen[lease.shard] = (lease, now)
