"""Messages in the table: accepting, finding, listing, cancelling, receiving, and receipts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.acceptance import Acceptance, Accepted, Idempotency, OtherBody, PlaceTakenError, SameAgain
from infra.aws.history import History
from infra.aws.message_items import RETENTION, VOID, place_of, read_message, read_outbound, write_message
from infra.aws.records import plain
from infra.aws.table import IS_NEW, Table, assignment, one_of
from infra.contract import keys
from infra.contract.ids import OutboundRef
from infra.contract.keys import MESSAGES_BY_CHAT, MESSAGES_BY_WA_ID
from infra.contract.message import OutboundStatus, statuses_before

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.aws.pages import Page
    from infra.contract.ids import MessageRef, SessionId
    from infra.contract.jid import Jid
    from infra.contract.message import Inbound, Message, Outbound

__all__ = ["Accepted", "Idempotency", "Messages", "OtherBody", "PlaceTakenError", "SameAgain"]


_ASKED_AGAIN_WITHIN = timedelta(days=1)


class Messages:
    """The messages of all sessions, kept for `retention` after they were accepted or received."""

    def __init__(self, clients: Clients, *, retention: timedelta = RETENTION) -> None:
        self._table = Table(clients)
        self._retention = retention
        self._acceptance = Acceptance(self._table, retention=retention)
        self._history = History(self._table)

    def accept(
        self, message: Outbound, idempotency: Idempotency | None = None
    ) -> Accepted | SameAgain | OtherBody:
        """Store a queued message in the place that `Sessions.take_place` gave.

        Raises PlaceTakenError if another message has the place.
        """
        if idempotency is None:
            return self._acceptance.accept(message)
        return self._acceptance.accept_once(message, idempotency)

    def accepted_before(
        self, session_id: SessionId, idempotency: Idempotency, *, now: datetime
    ) -> SameAgain | OtherBody | None:
        """Look whether the key came before, without taking a place; `accept` decides in any case."""
        return self._acceptance.accepted_before(session_id, idempotency, now=now)

    def find(self, session_id: SessionId, ref: MessageRef, *, consistent: bool = False) -> Message | None:
        """Give a message, or None."""
        item = self._table.get(keys.message(session_id, ref), consistent=consistent)
        return None if item is None or VOID in item else read_message(item)

    def list(
        self, session_id: SessionId, *, cursor: str | None = None, limit: int = 50, chat: Jid | None = None
    ) -> Page[Message]:
        """Give messages of both directions, newest first; raises BadCursorError."""
        if chat is None:
            return self._history.of_session(session_id, cursor=cursor, limit=limit)
        return self._history.of_chat(session_id, chat, cursor=cursor, limit=limit)

    def cancel(self, session_id: SessionId, ref: OutboundRef) -> Outbound | None:
        """Cancel a message that is still queued; None if it is not, or not there. Twice is once."""
        changes = {"status": OutboundStatus.CANCELLED}
        # a connector that has claimed it may be sending it by now
        return self._change(session_id, ref, changes, before=[OutboundStatus.QUEUED])

    def store_inbound(self, message: Inbound) -> bool:
        """Store a received message; False if it is there already.

        Whether the session still exists is for the caller to see, who reads it anyhow.
        """
        item = write_message(message, delete_at=message.received_at + self._retention)
        return self._table.put(item, condition=IS_NEW).done

    def has_received(self, session_id: SessionId, chat: Jid, wa_id: str, *, around: datetime) -> bool:
        """Tell whether a message of this id is stored under a time near this one; lags by a moment.

        What WhatsApp delivers again on request has a new time, and so a new place.
        """
        index = MESSAGES_BY_CHAT
        found = self._table.query(
            f"#{index.partition} = :chat AND #{index.sort} BETWEEN :earliest AND :latest",
            {
                "chat": keys.chat_partition(session_id, chat),
                "earliest": keys.chat_moment(around - _ASKED_AGAIN_WITHIN),
                "latest": keys.chat_moment(around + _ASKED_AGAIN_WITHIN),
            },
            index=index,
        )
        return any(item[index.sort].endswith(f"_{wa_id}") for item in found)

    def find_ref(self, session_id: SessionId, wa_id: str) -> OutboundRef | None:
        """Give the message that an attempt of this id at WhatsApp was for; lags a moment behind `Outbox`."""
        index = MESSAGES_BY_WA_ID
        partition = keys.wa_id_partition(session_id, wa_id)
        found = self._table.query(f"#{index.partition} = :wa_id", {"wa_id": partition}, index=index)
        item = next(found, None)
        return None if item is None else OutboundRef(place_of(item[index.sort]))

    def advance(
        self, session_id: SessionId, ref: OutboundRef, status: OutboundStatus, *, at: datetime
    ) -> Outbound | None:
        """Store a receipt (delivered, read, played); None if the message is as far already, or not there."""
        changes: Item = {"status": status}
        if status is OutboundStatus.DELIVERED:
            changes["delivered_at"] = plain(at)
        else:
            changes["read_at"] = plain(at)  # who plays a message has read it
        return self._change(session_id, ref, changes, before=statuses_before(status))

    def _change(
        self, session_id: SessionId, ref: OutboundRef, changes: Item, *, before: Iterable[OutboundStatus]
    ) -> Outbound | None:
        condition, values = one_of("status", before)
        written = self._table.update(
            keys.message(session_id, ref),
            assignment(changes),
            condition=condition,
            values={**changes, **values},
        )
        if written.item is None:
            return None
        is_so = all(written.item.get(name) == value for name, value in changes.items())
        return read_outbound(written.item) if is_so else None
