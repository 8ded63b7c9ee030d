"""From neonize's protobuf events to reports. Pure, and quick: it runs where events must not wait."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from neonize.proto.Neonize_pb2 import JID, Receipt

from connector.device_host.protocol import MessageSeen, ReceiptSeen
from infra.contract.jid import LID_SERVER, PN_SERVER, Jid
from infra.contract.message import InboundContent, OutboundStatus, Text, Unsupported

if TYPE_CHECKING:
    from google.protobuf.message import Message

_SILENT = {"messageContextInfo", "senderKeyDistributionMessage", "fastRatchetKeySenderKeyDistributionMessage"}
"""Parts of a message that carry keys, not words."""

_STATUS_OF_RECEIPT = {
    Receipt.DELIVERED: OutboundStatus.DELIVERED,
    Receipt.INACTIVE: OutboundStatus.DELIVERED,
    Receipt.READ: OutboundStatus.READ,
    Receipt.PLAYED: OutboundStatus.PLAYED,
}
"""The others are about retries, or about what the account itself read."""


def message_seen(device: int, event: Any) -> MessageSeen | None:
    """Read a MessageEv; None for WhatsApp's own business between devices, such as keys and history."""
    content = _content(event.Message)
    if content is None or event.Info.Category == "peer":
        return None
    source = event.Info.MessageSource
    sender = _phone_number(source.Sender, source.SenderAlt)
    return MessageSeen(
        device=device,
        wa_id=event.Info.ID,
        chat=_chat(source),
        sender=sender,
        content=content,
        sent_at=datetime.fromtimestamp(event.Info.Timestamp / 1000, UTC),
        sender_number=sender.user if sender.server == PN_SERVER else None,
        push_name=event.Info.Pushname or None,
        from_me=source.IsFromMe,
        retried=event.RetryCount > 0,
    )


def receipt_seen(device: int, event: Any) -> ReceiptSeen | None:
    """Read a ReceiptEv; None for one that says nothing of what others did with our messages."""
    status = _STATUS_OF_RECEIPT.get(event.Type)
    if status is None or event.MessageSource.IsFromMe or not event.MessageIDs:
        return None
    at = datetime.fromtimestamp(event.Timestamp, UTC)
    return ReceiptSeen(device, tuple(event.MessageIDs), status, at)


def neonize_jid(jid: Jid) -> JID:
    """Give neonize's form of an address."""
    return JID(User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0, IsEmpty=False)


def jid_of(jid: Any) -> Jid:
    """Read neonize's form of an address."""
    return Jid(jid.User, jid.Server, jid.Device)


def _chat(source: Any) -> Jid:
    """Give the chat by its phone number where that is known, as the API does."""
    if source.IsGroup:
        return jid_of(source.Chat).account
    return _phone_number(source.Chat, source.RecipientAlt if source.IsFromMe else source.SenderAlt)


def _phone_number(address: Any, other: Any) -> Jid:
    if address.Server == LID_SERVER and other.Server == PN_SERVER:
        return jid_of(other).account
    return jid_of(address).account


def _content(message: Message) -> InboundContent | None:
    kinds = [field.name for field, _ in message.ListFields() if field.name not in _SILENT]
    if not kinds or kinds == ["protocolMessage"]:
        return None
    if "conversation" in kinds:
        return Text(message.conversation)  # type: ignore[attr-defined]
    if "extendedTextMessage" in kinds:
        return Text(message.extendedTextMessage.text)  # type: ignore[attr-defined]
    return Unsupported(kinds[0])
