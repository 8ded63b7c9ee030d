"""What travels on the queues: the whole contract between the control plane and the connectors.

Standard queues: each of these may come twice, late, or in another order than it was sent.
"""

from __future__ import annotations

import enum
from datetime import datetime
from typing import TypeVar

import msgspec

from infra.contract.ids import SessionId
from infra.contract.jid import Jid
from infra.contract.message import InboundContent, OutboundStatus


class NudgeReason(enum.StrEnum):
    """Why a connector should look at a session now. It looks at everything all the same."""

    SEND = "send"
    CANCEL = "cancel"
    DESIRED_CHANGED = "desired_changed"
    CALL = "call"


class Nudge(msgspec.Struct, frozen=True):
    """On a shard's queue: look at this session. The table is the truth; a lost nudge loses nothing."""

    session_id: SessionId
    reason: NudgeReason


class MessageReceived(msgspec.Struct, frozen=True, tag="message_received"):
    """On `events`: the account received a message, or its owner sent one from the phone."""

    session_id: SessionId
    wa_id: str
    chat: Jid
    sender: Jid
    content: InboundContent
    sent_at: datetime
    sender_number: str | None = None
    push_name: str | None = None
    from_me: bool = False
    maybe_known: bool = False
    """It may have been told of before, under another time: see `Messages.has_received`."""


class ReceiptReceived(msgspec.Struct, frozen=True, tag="receipt_received"):
    """On `events`: messages of the account were delivered, read or played."""

    session_id: SessionId
    wa_ids: tuple[str, ...]
    status: OutboundStatus
    at: datetime


ConnectorEvent = MessageReceived | ReceiptReceived


def encode(message: Nudge | ConnectorEvent) -> str:
    """Write a queue message's body."""
    return msgspec.json.encode(message).decode()


class BadQueueMessageError(ValueError):
    """A queue message is not of this contract: another version's, or no one's."""


def decode_nudge(body: str) -> Nudge:
    """Read the body of a shard queue's message; raises BadQueueMessageError."""
    return _decoded(_NUDGE, body)


def decode_event(body: str) -> ConnectorEvent:
    """Read the body of a message on `events`; raises BadQueueMessageError."""
    return _decoded(_EVENT, body)


_NUDGE = msgspec.json.Decoder(Nudge)
_EVENT: msgspec.json.Decoder[ConnectorEvent] = msgspec.json.Decoder(ConnectorEvent)


T = TypeVar("T")


def _decoded(decoder: msgspec.json.Decoder[T], body: str) -> T:
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise BadQueueMessageError(str(error)) from error
