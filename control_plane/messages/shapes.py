"""The JSON of messages. What a message says stands under one key, named for its kind: `text` now."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, assert_never

from litestar.params import HeaderParameter, PathParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.paging import NextCursor
from infra.contract.message import (
    Inbound,
    InboundContent,
    Message,
    OnUnknown,
    Outbound,
    OutboundContent,
    OutboundStatus,
    Text,
    Unsupported,
)

MESSAGE_ID_PATTERN = r"^(o_[1-9][0-9]{0,14}|i_[0-9]{13}_[A-Za-z0-9._-]{1,128})$"

IdInPath = Annotated[
    str, PathParameter(pattern=MESSAGE_ID_PATTERN, description="`o_…` was sent, `i_…` was received")
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_.:/+=-]{1,128}$",
        description="yours, for one message: posted again, it is sent once. Kept for a day",
    ),
]


_ON_UNKNOWN = (
    "what becomes of it when a crash leaves open whether it was sent, and no receipt tells within 10 s: "
    "`fail` ends it as `unknown`, sent at the most once; `resend` sends it again, so that it may come twice"
)


class NewMessage(Struct, forbid_unknown_fields=True):
    """A message to send."""

    to: Annotated[
        str,
        Meta(
            min_length=5,
            max_length=80,
            description="a phone number with its country code, in any usual writing, or a JID",
            examples=["+1 415 555 0101", "120363025000000000@g.us"],
        ),
    ]
    text: Annotated[str, Meta(min_length=1, max_length=65536, examples=["Hello"])]

    on_unknown: Annotated[OnUnknown, Meta(description=_ON_UNKNOWN)] = OnUnknown.FAIL

    @property
    def content(self) -> OutboundContent:
        """What the message says."""
        return Text(self.text)


class UnsupportedView(Struct):
    """Something that Roost does not read yet."""

    kind: Annotated[str, Meta(description="WhatsApp's name for it", examples=["stickerMessage"])]


class OutboundView(Struct, tag_field="direction", tag="outbound"):
    """A message that was accepted for sending."""

    id: Annotated[str, Meta(examples=["o_42"])]
    session_id: str
    to: Annotated[str, Meta(description="a JID", examples=["14155550101@s.whatsapp.net"])]
    status: OutboundStatus
    error: Annotated[str | None, Meta(description="a stable code of why it failed")]
    on_unknown: Annotated[OnUnknown, Meta(description=_ON_UNKNOWN)]
    attempts: int
    whatsapp_id: Annotated[str | None, Meta(description="once it was sent", examples=["3EB0C767D26A1B0E"])]
    accepted_at: datetime
    expires_at: Annotated[datetime, Meta(description="if it is not sent by then, it never is")]
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None
    text: str | UnsetType = UNSET


class InboundView(Struct, tag_field="direction", tag="inbound"):
    """A message that the account received, or that its owner sent from the phone (`from_me`)."""

    id: Annotated[str, Meta(examples=["i_1767225600000_3EB0C767D26A1B0E"])]
    session_id: str
    chat: Annotated[str, Meta(description="the JID to answer to")]
    sender: Annotated[str, Meta(description="the JID of who wrote")]
    sender_number: Annotated[str | None, Meta(description="digits, where WhatsApp tells them")]
    push_name: Annotated[str | None, Meta(description="what the sender calls themselves")]
    from_me: bool
    received_at: datetime
    text: str | UnsetType = UNSET
    unsupported: UnsupportedView | UnsetType = UNSET


MessageView = OutboundView | InboundView


class MessagePage(Struct):
    """Some messages, the newest first."""

    items: list[OutboundView | InboundView]
    next_cursor: NextCursor


def view(message: Message, now: datetime) -> MessageView:
    """Show a message to a customer, as it is now."""
    return outbound_view(message.at(now)) if isinstance(message, Outbound) else inbound_view(message)


def outbound_view(message: Outbound) -> OutboundView:
    """Show a sent message to a customer; its secret and fence are not for this."""
    return OutboundView(
        id=str(message.ref),
        session_id=message.session_id,
        to=str(message.to),
        status=message.status,
        error=message.error,
        on_unknown=message.on_unknown,
        attempts=message.attempts,
        whatsapp_id=message.wa_id,
        accepted_at=message.accepted_at,
        expires_at=message.expires_at,
        sent_at=message.sent_at,
        delivered_at=message.delivered_at,
        read_at=message.read_at,
        text=message.content.text,
    )


def inbound_view(message: Inbound) -> InboundView:
    """Show a received message to a customer."""
    text, unsupported = _parts(message.content)
    return InboundView(
        id=str(message.ref),
        session_id=message.session_id,
        chat=str(message.chat),
        sender=str(message.sender),
        sender_number=message.sender_number,
        push_name=message.push_name,
        from_me=message.from_me,
        received_at=message.received_at,
        text=text,
        unsupported=unsupported,
    )


def _parts(content: InboundContent) -> tuple[str | UnsetType, UnsupportedView | UnsetType]:
    match content:
        case Text(text=text):
            return text, UNSET
        case Unsupported(kind=kind):
            return UNSET, UnsupportedView(kind)
        case _:
            assert_never(content)
