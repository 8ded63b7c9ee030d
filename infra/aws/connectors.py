"""Connectors in the table: what each tells of itself, for people to read. No decision rests on it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.records import Reader, to_item
from infra.aws.table import Table
from infra.contract import keys
from infra.contract.ids import ConnectorId
from infra.contract.leases import ConnectorRecord

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.clients import Clients

_REMEMBERED = timedelta(hours=1)
_CONNECTOR = Reader(ConnectorRecord)


class Connectors:
    """The connectors that live, and for an hour those that died without a word."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def put(self, record: ConnectorRecord) -> None:
        """Store what a connector tells, over what it told before."""
        key = keys.connector(record.id)
        self._table.put(to_item(record, key, without=["id"], delete_at=record.seen_at + _REMEMBERED))

    def list(self, now: datetime) -> list[ConnectorRecord]:
        """Give those that told of themselves within the last hour, the oldest first."""
        found = self._table.query("#pk = :pk", {"pk": keys.connector(ConnectorId("")).pk})
        records = [_CONNECTOR.read(item, id=item[keys.SORT]) for item in found]
        known = [record for record in records if now - record.seen_at < _REMEMBERED]  # the table deletes late
        return sorted(known, key=lambda record: (record.started_at, record.id))

    def remove(self, connector_id: ConnectorId) -> None:
        """Forget one that has drained. Twice is once."""
        self._table.delete(keys.connector(connector_id))
