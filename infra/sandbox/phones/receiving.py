"""How a phone reads what is sent to it, and says so (whatsmeow, message.go)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.phones import content, retrying, welcome
from infra.sandbox.phones.records import Content, Received
from infra.sandbox.protobufs import e2e
from infra.sandbox.signal.device import Envelope, EnvelopeKind
from infra.sandbox.signal.errors import DuplicateMessageError, SignalError, SignalFormatError
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.phones.phone import Phone

_ENVELOPE_KINDS = frozenset(EnvelopeKind)


def take_message(phone: Phone, stanza: Node) -> None:
    """Decrypt a message, write it down and confirm it; ask for it again when it cannot be decrypted."""
    chat = stanza.jid("from")
    sender = stanza.jid("participant") if chat.server == GROUP_SERVER else chat
    stats = phone.network.stats
    try:
        messages = [_decrypted_once(phone, chat, sender, enc) for enc in stanza.children("enc")]
    except (SignalError, DecodeError) as error:
        stats.undecryptable += 1
        _write_down(phone, stanza, sender, problem=f"{type(error).__name__}: {error}")
        retrying.ask_again(phone, stanza, sender)
        return
    if messages and messages[-1] is None:  # what comes before it, in a group, only tells the sender key
        _take_repeated(phone, stanza, sender)
        return
    for message in messages:
        if message is not None:
            _take_content(phone, stanza, sender, message)
    if stanza.text("category", "") != "peer":
        confirm(phone, stanza, sender)


def confirm(phone: Phone, stanza: Node, sender: Jid) -> None:
    """Send the delivery receipt for a message. One's own devices get none."""
    if not phone.record.sends_receipts or phone.network.directory.find(sender) is phone.account:
        return
    participant = sender if "participant" in stanza.attrs else None
    phone.delivered.confirm(stanza.text("id"), chat=stanza.jid("from"), participant=participant)


def notice(phone: Phone, stanza: Node) -> None:
    """Write down a receipt for a message of one's own, typing or presence."""
    sender = stanza.attrs.get("participant", stanza.jid("from"))
    number = phone.number_of(sender) if isinstance(sender, Jid) else sender
    if stanza.tag == "receipt":
        listed = [item.text("id") for item in (stanza.find("list") or Node("list")).children("item")]
        ids = [id_ for id_ in (stanza.text("id"), *listed) if phone.diary.find_sent(id_) is not None]
        if ids:
            phone.diary.add_noticed("receipt", stanza.text("type", "delivered"), number, ids)
    elif stanza.tag == "chatstate":
        state = next(stanza.children(), Node("unknown"))
        phone.diary.add_noticed("typing", state.tag, number)
    else:
        phone.diary.add_noticed("presence", stanza.text("type", "available"), number)


def _take_repeated(phone: Phone, stanza: Node, sender: Jid) -> None:
    phone.network.stats.duplicate_counters += 1
    _write_down(phone, stanza, sender, duplicate_counter=True)
    if phone.diary.find_received(stanza.text("id")) is not None:
        confirm(phone, stanza, sender)


def _decrypted_once(phone: Phone, chat: Jid, sender: Jid, enc: Node) -> Any:
    """Give what was encrypted, or None where the counter was used before: the other parts still count."""
    try:
        return _decrypted(phone, chat, sender, enc)
    except DuplicateMessageError:
        return None


def _decrypted(phone: Phone, chat: Jid, sender: Jid, enc: Node) -> Any:
    kind, ciphertext = enc.text("type"), enc.data()
    if kind == "skmsg":
        return e2e.Message.FromString(phone.keyring.decrypt_group(chat, sender, ciphertext))
    if kind not in _ENVELOPE_KINDS:
        raise SignalFormatError(f"no kind of encryption is called {kind!r}")
    envelope = Envelope(EnvelopeKind(kind), ciphertext)
    message = e2e.Message.FromString(phone.keyring.decrypt(sender, envelope))
    if chat.server == GROUP_SERVER and message.HasField("senderKeyDistributionMessage"):
        told = message.senderKeyDistributionMessage
        phone.keyring.process_distribution(chat, sender, told.axolotlSenderKeyDistributionMessage)
    return message


def _take_content(phone: Phone, stanza: Node, sender: Jid, message: Any) -> None:
    if message.HasField("deviceSentMessage"):
        message = message.deviceSentMessage.message
    if (found := content.read(message)) is not None:
        phone.network.stats.received_by_phones += 1
        _write_down(phone, stanza, sender, found)
    elif phone.network.directory.find(sender) is phone.account:
        welcome.answer_companion(phone, sender, message)


def _write_down(
    phone: Phone,
    stanza: Node,
    sender: Jid,
    found: Content | None = None,
    *,
    problem: str | None = None,
    duplicate_counter: bool = False,
) -> None:
    chat = stanza.attrs.get("recipient", stanza.jid("from"))
    enc = next(stanza.children("enc"), Node("enc"))
    received = Received(
        number=0,
        id=stanza.text("id"),
        sender=phone.number_of(sender),
        chat=phone.number_of(chat) if isinstance(chat, Jid) else chat,
        from_me=phone.network.directory.find(sender) is phone.account,
        received_at=time.time(),
        content=found,
        problem=problem,
        duplicate_counter=duplicate_counter,
        attempt=enc.number("count", 0),
    )
    phone.diary.add_received(received)
