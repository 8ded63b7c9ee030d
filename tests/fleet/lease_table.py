"""The leases in memory, with the conditions of `infra.aws.leases`; a test shows that both answer alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from infra.contract.leases import Lease

if TYPE_CHECKING:
    from infra.contract.ids import ConnectorId


class LeaseTable:
    """The leases of so many shards, and how often each verb was asked for."""

    def __init__(self, *leases: Lease) -> None:
        self.stored = {lease.shard: lease for lease in leases}
        self.asked: Counter[str] = Counter()

    def all(self) -> list[Lease]:
        """Give all, by shard."""
        self.asked["all"] += 1
        return list(self.stored.values())

    def take(self, lease: Lease, me: ConnectorId) -> Lease | None:
        """Take one that has not moved."""
        self.asked["take"] += 1
        now = self.stored[lease.shard]
        if (now.beat, now.fence) == (lease.beat, lease.fence):
            now = self.stored[lease.shard] = Lease(lease.shard, me, lease.beat + 1, lease.fence + 1)
        own = (now.holder, now.beat, now.fence) == (me, lease.beat + 1, lease.fence + 1)
        return Lease(lease.shard, me, now.beat, now.fence) if own else None

    def renew(self, lease: Lease) -> Lease | None:
        """Move the beat of one that is held."""
        self.asked["renew"] += 1
        if not self._is_held(lease):
            return None
        renewed = replace(lease, beat=lease.beat + 1)
        now = self.stored[lease.shard]
        self.stored[lease.shard] = replace(renewed, wanted_by=now.wanted_by)
        return renewed

    def release(self, lease: Lease) -> None:
        """Give one back."""
        self.asked["release"] += 1
        if self._is_held(lease):
            now = self.stored[lease.shard]
            self.stored[lease.shard] = replace(now, holder=None, beat=lease.beat + 1, leaving=False)

    def wish(self, lease: Lease, me: ConnectorId) -> bool:
        """Ask its holder for one."""
        self.asked["wish"] += 1
        if not self._is_held(lease):
            return False
        self.stored[lease.shard] = replace(self.stored[lease.shard], wanted_by=me)
        return True

    def withdraw(self, lease: Lease, me: ConnectorId) -> None:
        """Take back a wish."""
        self.asked["withdraw"] += 1
        if self.stored[lease.shard].wanted_by == me:
            self.stored[lease.shard] = replace(self.stored[lease.shard], wanted_by=None)

    def _is_held(self, lease: Lease) -> bool:
        now = self.stored[lease.shard]
        return lease.holder is not None and (now.holder, now.fence) == (lease.holder, lease.fence)
