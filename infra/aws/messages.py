"""Messages in the table: accepting, finding, listing, cancelling, receiving, and receipts."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from infra.aws.clients import Clients
from infra.aws.pages import Page
from infra.contract.ids import MessageRef, OutboundRef, SessionId
from infra.contract.jid import Jid
from infra.contract.message import Inbound, Message, Outbound, OutboundStatus

RETENTION = timedelta(days=30)


class Idempotency(msgspec.Struct, frozen=True):
    """A customer's Idempotency-Key, and a hash of the body that came with it."""

    key: str
    body_hash: str


class Accepted(msgspec.Struct, frozen=True):
    """The message is stored: from here on it is safe."""

    message: Outbound


class SameAgain(msgspec.Struct, frozen=True):
    """The same key came with the same body before; this is what was accepted then, as it is now."""

    message: Outbound


class OtherBody(msgspec.Struct, frozen=True):
    """The same key came with another body before."""

    ref: OutboundRef


class Messages:
    """The messages of all sessions, kept for `retention` after they were accepted or received."""

    def __init__(self, clients: Clients, *, retention: timedelta = RETENTION) -> None: ...

    def accept(
        self, message: Outbound, idempotency: Idempotency | None = None
    ) -> Accepted | SameAgain | OtherBody:
        """Store a queued message in the place that `Sessions.take_place` gave."""
        raise NotImplementedError

    def accepted_before(
        self, session_id: SessionId, idempotency: Idempotency, *, now: datetime
    ) -> SameAgain | OtherBody | None:
        """Look whether the key came before, without taking a place; `accept` decides in any case."""
        raise NotImplementedError

    def find(self, session_id: SessionId, ref: MessageRef, *, consistent: bool = False) -> Message | None:
        """Give a message, or None."""
        raise NotImplementedError

    def list(
        self, session_id: SessionId, *, cursor: str | None = None, limit: int = 50, chat: Jid | None = None
    ) -> Page[Message]:
        """Give messages of both directions, newest first; raises BadCursorError."""
        raise NotImplementedError

    def cancel(self, session_id: SessionId, ref: OutboundRef) -> Outbound | None:
        """Cancel a message that is still queued; None if it is not, or not there. Twice is once."""
        raise NotImplementedError

    def store_inbound(self, message: Inbound) -> bool:
        """Store a received message; False if it is there already.

        Whether the session still exists is for the caller to see, who reads it anyhow.
        """
        raise NotImplementedError

    def find_ref(self, session_id: SessionId, wa_id: str) -> OutboundRef | None:
        """Give the sent message that has this id at WhatsApp; lags by a moment behind `Outbox.mark_sent`."""
        raise NotImplementedError

    def advance(
        self, session_id: SessionId, ref: OutboundRef, status: OutboundStatus, *, at: datetime
    ) -> Outbound | None:
        """Store a receipt (delivered, read, played); None if the message is as far already, or not there."""
        raise NotImplementedError
