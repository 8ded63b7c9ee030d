"""Forgetting: everything in the table that belongs to a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws.records import key_of
from infra.contract import keys

if TYPE_CHECKING:
    from infra.aws.table import Table
    from infra.contract.ids import SessionId


def delete_items(table: Table, session_id: SessionId) -> None:
    """Delete a session's messages, calls and idempotency records, but not the session."""
    session = keys.session(session_id)
    found = table.query("#pk = :pk", {"pk": session.pk}, consistent=True, only=(keys.PARTITION, keys.SORT))
    items = map(key_of, found)
    table.delete_many(key for key in items if key != session)
