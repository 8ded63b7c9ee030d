"""Calls in the table: what the API asks of a session's connector, and the answers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.records import Reader, plain, to_item
from infra.aws.table import EXISTS, IS_NEW, Table
from infra.contract import keys
from infra.contract.calls import Answer, Call

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.contract.ids import SessionId

_KEPT = timedelta(hours=1)
"""How long an expired call can still be read."""
_CALL = Reader(Call)


class Calls:
    """The calls of all sessions. They are deleted some time after they expired."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def ask(self, call: Call) -> None:
        """Store a call; the caller nudges the shard."""
        key = keys.call(call.session_id, call.id)
        item = to_item(call, key, without=["session_id", "id"], delete_at=call.expires_at + _KEPT)
        self._table.put(item, condition=IS_NEW)  # not new: this very call, whose answer was lost

    def find(self, session_id: SessionId, call_id: str) -> Call | None:
        """Give a call, with its answer once it is there; consistent."""
        item = self._table.get(keys.call(session_id, call_id), consistent=True)
        return None if item is None else _read(session_id, item)

    def answer(self, session_id: SessionId, call_id: str, answer: Answer, *, fence: int) -> Call | None:
        """Answer a call; None if it is answered otherwise already, or gone."""
        content: Item = plain(answer)
        written = self._table.update(
            keys.call(session_id, call_id),
            "SET #answer = :answer, #fence = :fence",
            # the first answer holds: who asked may have read it
            condition=f"{EXISTS} AND attribute_not_exists(#answer)",
            values={"answer": content, "fence": fence},
        )
        if written.item is None or written.item["answer"] != content:
            return None
        return _read(session_id, written.item)

    def open_for(self, session_id: SessionId, *, now: datetime) -> list[Call]:
        """Give the calls that are neither answered nor expired, oldest first; consistent."""
        found = self._table.query(
            "#pk = :pk AND begins_with(#sk, :call)",
            {"pk": keys.session(session_id).pk, "call": keys.call(session_id, "").sk},
            filter_by="attribute_not_exists(#answer)",
            consistent=True,
        )
        calls = [_read(session_id, item) for item in found]
        return sorted((call for call in calls if now < call.expires_at), key=lambda call: call.asked_at)


def _read(session_id: SessionId, item: Item) -> Call:
    call_id = item[keys.SORT].removeprefix(keys.call(session_id, "").sk)
    return _CALL.read(item, session_id=session_id, id=call_id)
