"""Connectors in the table: what each tells of itself, for people to read. No decision rests on it."""

from __future__ import annotations

from infra.aws.clients import Clients
from infra.contract.ids import ConnectorId
from infra.contract.leases import ConnectorRecord


class Connectors:
    """The connectors that were seen within the last hours."""

    def __init__(self, clients: Clients) -> None: ...

    def put(self, record: ConnectorRecord) -> None:
        """Store what a connector tells, over what it told before."""
        raise NotImplementedError

    def list(self) -> list[ConnectorRecord]:
        """Give all, the oldest first."""
        raise NotImplementedError

    def remove(self, connector_id: ConnectorId) -> None:
        """Forget one that has drained. Twice is once."""
        raise NotImplementedError
