"""Shard leases in the table: take, renew, release, wish for. To lose a race or a lease is None, no error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from infra.aws.records import Reader, to_item
from infra.aws.table import IS_NEW, Table
from infra.contract import keys
from infra.contract.leases import Lease

if TYPE_CHECKING:
    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.contract.ids import ConnectorId

_LEASE = Reader(Lease)


class Leases:
    """The leases of one stack's shards."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)
        self._shards = clients.settings.shards

    def ensure(self) -> None:
        """Make the leases of the stack's shards that are not there yet."""
        there = {lease.shard for lease in self.all()}
        for shard in set(range(self._shards)) - there:
            item = to_item(Lease(shard), keys.shard_lease(shard), without=["shard"])
            self._table.put(item, condition=IS_NEW)  # not new: another connector made it

    def all(self) -> list[Lease]:
        """Give the leases of the stack's shards, by shard.

        They may be a moment old, for half the price: whoever acts on them does it by a condition.
        """
        found = self._table.query("#pk = :pk", {"pk": keys.shard_lease(0).pk})
        leases = map(_read, found)
        return [lease for lease in leases if lease.shard < self._shards]  # the stack may have had more

    def take(self, lease: Lease, me: ConnectorId) -> Lease | None:
        """Take a lease with the next fence, if it has not moved since it was read; None if it has."""
        taken = Lease(lease.shard, holder=me, beat=lease.beat + 1, fence=lease.fence + 1)
        written = self._table.update(
            keys.shard_lease(lease.shard),
            "SET #holder = :me, #beat = :beat, #fence = :fence REMOVE #wanted_by, #leaving",
            # the beat moves whenever anybody takes, renews or releases it
            condition="#beat = :old_beat AND #fence = :old_fence",
            values={
                "me": me,
                "beat": taken.beat,
                "fence": taken.fence,
                "old_beat": lease.beat,
                "old_fence": lease.fence,
            },
        )
        # refused by just this: our own taking, whose answer was lost
        return taken if written.item is not None and _same(_read(written.item), taken) else None

    def renew(self, lease: Lease) -> Lease | None:
        """Move the beat of a lease that one holds, and say if one is leaving; None if another took it."""
        if lease.holder is None:
            return None
        renewed = msgspec.structs.replace(lease, beat=lease.beat + 1)
        # the fence alone decides: to renew twice, the answer being lost, is to renew once
        written = self._table.update(
            keys.shard_lease(lease.shard),
            "SET #beat = :beat, #leaving = :leaving",
            condition="#holder = :me AND #fence = :fence",
            values={
                "me": lease.holder,
                "fence": lease.fence,
                "beat": renewed.beat,
                "leaving": lease.leaving,
            },
        )
        return renewed if written.done else None

    def release(self, lease: Lease) -> None:
        """Give a lease back so that another can take it at once; nothing happens if it is lost already.

        Who has wished for it may take it before all others.
        """
        if lease.holder is None:
            return
        self._table.update(
            keys.shard_lease(lease.shard),
            "SET #beat = :beat REMOVE #holder, #leaving",
            condition="#holder = :me AND #fence = :fence",
            values={"me": lease.holder, "fence": lease.fence, "beat": lease.beat + 1},
        )

    def wish(self, lease: Lease, me: ConnectorId) -> bool:
        """Ask the holder for a lease; False if it has another holder by now. A later wish replaces it."""
        if lease.holder is None:
            return False
        written = self._table.update(
            keys.shard_lease(lease.shard),
            "SET #wanted_by = :me",
            condition="#holder = :holder AND #fence = :fence",
            values={"me": me, "holder": lease.holder, "fence": lease.fence},
        )
        return written.done

    def withdraw(self, lease: Lease, me: ConnectorId) -> None:
        """Take back a wish; nothing happens if it was granted already, or replaced."""
        self._table.update(
            keys.shard_lease(lease.shard),
            "REMOVE #wanted_by",
            condition="#wanted_by = :me",
            values={"me": me},
        )


def _same(one: Lease, other: Lease) -> bool:
    return (one.holder, one.beat, one.fence) == (other.holder, other.beat, other.fence)


def _read(item: Item) -> Lease:
    return _LEASE.read(item, shard=int(item[keys.SORT]))
