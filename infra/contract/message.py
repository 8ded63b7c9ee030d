"""Messages: what they say, in which states a sent one can be, and in which order the states follow."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Self

import msgspec

from infra.contract.ids import InboundRef, OutboundRef, SessionId
from infra.contract.jid import Jid


class Text(msgspec.Struct, frozen=True, tag="text"):
    """Words."""

    text: str


class Unsupported(msgspec.Struct, frozen=True, tag="unsupported"):
    """Something received that Roost does not read yet; `kind` is WhatsApp's name for it."""

    kind: str


OutboundContent = Text
InboundContent = Text | Unsupported


class OutboundStatus(enum.StrEnum):
    """Where a message stands that was accepted for sending."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_PROGRESS = (
    OutboundStatus.QUEUED,
    OutboundStatus.SENDING,
    OutboundStatus.SENT,
    OutboundStatus.DELIVERED,
    OutboundStatus.READ,
    OutboundStatus.PLAYED,
)
RECEIPTS = frozenset({OutboundStatus.DELIVERED, OutboundStatus.READ, OutboundStatus.PLAYED})
PENDING = frozenset({OutboundStatus.QUEUED, OutboundStatus.SENDING})
"""Still in the outbox; everything else has left it."""


class OnUnknown(enum.StrEnum):
    """What becomes of a message that may have left, when no receipt tells within the time that one is due."""

    FAIL = "fail"
    """It ends as `unknown`: sent at the most once."""
    RESEND = "resend"
    """It is sent again: at least once, if WhatsApp takes it at all."""


def may_advance(now: OutboundStatus, then: OutboundStatus) -> bool:
    """Tell whether a message may go from one status to another: only forward, and an end is an end.

    UNKNOWN is the one end that a receipt may still correct: it proves that the message arrived.
    """
    if now is OutboundStatus.UNKNOWN:
        return then in RECEIPTS
    if now not in _PROGRESS:
        return False
    if then in _PROGRESS:
        return _PROGRESS.index(then) > _PROGRESS.index(now)
    return now in PENDING


def statuses_before(then: OutboundStatus) -> tuple[OutboundStatus, ...]:
    """Give the statuses from which this one may be reached, for a condition on the stored message."""
    return tuple(now for now in OutboundStatus if may_advance(now, then))


class Outbound(msgspec.Struct, frozen=True):
    """A message accepted for sending."""

    session_id: SessionId
    ref: OutboundRef
    to: Jid
    content: OutboundContent
    status: OutboundStatus
    accepted_at: datetime
    expires_at: datetime
    secret: bytes
    """32 bytes that WhatsApp's library stores with its own id for the message before it sends it."""
    on_unknown: OnUnknown = OnUnknown.FAIL
    attempts: int = 0
    wa_id: str | None = None
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None
    error: str | None = None
    """A stable code of why it failed."""
    fence: int = 0

    def at(self, now: datetime) -> Self:
        """Give it as it is to be shown: what nobody began to send in its time is expired."""
        if self.status is OutboundStatus.QUEUED and self.expires_at <= now:
            return msgspec.structs.replace(self, status=OutboundStatus.EXPIRED)
        return self


class Inbound(msgspec.Struct, frozen=True):
    """A message that the session's account received, or that its owner sent from the phone (`from_me`)."""

    session_id: SessionId
    ref: InboundRef
    chat: Jid
    sender: Jid
    content: InboundContent
    received_at: datetime
    sender_number: str | None = None
    push_name: str | None = None
    from_me: bool = False


Message = Outbound | Inbound
