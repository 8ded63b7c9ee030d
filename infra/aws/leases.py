"""Shard leases in the table: take, renew, release. To lose a race is None; to lose a lease is None too."""

from __future__ import annotations

from infra.aws.clients import Clients
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease


class Leases:
    """The leases of one stack's shards."""

    def __init__(self, clients: Clients) -> None: ...

    def ensure(self) -> None:
        """Make the leases of the stack's shards that are not there yet."""
        raise NotImplementedError

    def all(self) -> list[Lease]:
        """Give the leases of the stack's shards, by shard; consistent."""
        raise NotImplementedError

    def take(self, lease: Lease, me: ConnectorId) -> Lease | None:
        """Take a lease with the next fence, if it has not moved since it was read; None if it has."""
        raise NotImplementedError

    def renew(self, lease: Lease) -> Lease | None:
        """Move the beat of a lease that one holds; None if another took it."""
        raise NotImplementedError

    def release(self, lease: Lease) -> None:
        """Give a lease back so that another can take it at once; nothing happens if it is lost already."""
        raise NotImplementedError
