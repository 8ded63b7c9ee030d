"""A session's outbox, as the connector that holds the session works it off. Every write carries its fence."""

from __future__ import annotations

from datetime import datetime

from infra.aws.clients import Clients
from infra.contract.ids import OutboundRef, SessionId
from infra.contract.message import Outbound


class Outbox:
    """Each verb gives the message as it is then, or None: it is gone, elsewhere, or a newer fence wrote.

    To repeat a write whose answer was lost gives the message, not None.
    """

    def __init__(self, clients: Clients) -> None: ...

    def pending(self, session_id: SessionId, *, after: int, limit: int = 100) -> list[Outbound]:
        """Give the first messages above a place that are queued or sending, in order; consistent."""
        raise NotImplementedError

    def mark_sending(self, message: Outbound, *, fence: int) -> Outbound | None:
        """Claim a queued or sending message for one more attempt than `message` has had."""
        raise NotImplementedError

    def mark_sent(
        self, session_id: SessionId, ref: OutboundRef, *, wa_id: str, at: datetime, fence: int
    ) -> Outbound | None:
        """Store WhatsApp's id and time; from now on receipts find the message."""
        raise NotImplementedError

    def mark_failed(
        self, session_id: SessionId, ref: OutboundRef, *, error: str, fence: int
    ) -> Outbound | None:
        """Store that it was not and will not be sent, with a stable code of why."""
        raise NotImplementedError

    def mark_expired(self, session_id: SessionId, ref: OutboundRef, *, fence: int) -> Outbound | None:
        """Store that its time was over before it could be sent."""
        raise NotImplementedError

    def mark_unknown(self, session_id: SessionId, ref: OutboundRef, *, fence: int) -> Outbound | None:
        """Store that nobody can tell whether it was sent, and that it will not be sent again."""
        raise NotImplementedError
