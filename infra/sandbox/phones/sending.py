"""How a phone sends: once for each device of the receiver, and for each other device of its own account."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.network import receipts
from infra.sandbox.phones import content
from infra.sandbox.phones.records import Sent
from infra.sandbox.protobufs import e2e
from infra.sandbox.signal.errors import SignalError
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.sandbox.phones.phone import Phone


def send(
    phone: Phone,
    to: Jid,
    message: Any,
    *,
    stanza_type: str = "text",
    media_type: str | None = None,
    edit: str | None = None,
) -> Sent:
    """Encrypt and send a message to a person or a group; it is with the network when this returns.

    `edit` tells how it changes another. Raises NoSuchAccountError, NoSuchGroupError and NotInGroupError.
    """
    sent = Sent(
        id="3A" + secrets.token_hex(9).upper(),
        chat=str(to),
        message=message.SerializeToString(),
        stanza_type=stanza_type,
        media_type=media_type,
        sent_at=time.time(),
    )
    parts = (
        _for_group(phone, to, sent) if to.server == GROUP_SERVER else _for_person(phone, to, sent, message)
    )
    phone.diary.add_sent(sent)
    attrs: Attributes = {"id": sent.id, "to": to, "type": stanza_type}
    if edit is not None:
        attrs["edit"] = edit
    phone.network.post(phone.account, phone.account.lid, Node("message", attrs, parts))
    return sent


def send_peer(phone: Phone, companion: Jid, message: Any) -> None:
    """Send one's own companion something that is no part of a conversation: keys, history."""
    try:
        enclosed = encrypted(phone, companion, message.SerializeToString(), {})
    except SignalError:  # its keys are of no use
        return
    attrs: Attributes = {"id": secrets.token_hex(8).upper(), "to": companion}
    stanza = Node("message", attrs | {"type": "text", "category": "peer"}, [enclosed])
    phone.network.post(phone.account, phone.account.lid, stanza)


def send_receipt(phone: Phone, receipt: Node) -> None:
    """Send a receipt."""
    receipts.route_receipt(phone.network, phone.account.lid, receipt)


def show_typing(phone: Phone, to: Jid, *, typing: bool) -> None:
    """Show in a chat that the owner types, or stopped; raises NoSuchGroupError and NotInGroupError."""
    state = Node("chatstate", {"to": to}, [Node("composing" if typing else "paused")])
    receipts.route_typing(phone.network, phone.account, phone.account.lid, state)


def encrypted(phone: Phone, device: Jid, plaintext: bytes, attrs: Attributes) -> Node:
    """Encrypt for one device, starting a Signal session with it if there is none yet; raises SignalError."""
    if not phone.keyring.has_session(device) and (bundle := phone.network.bundle(device)) is not None:
        phone.keyring.start_session(device, bundle)
    envelope = phone.keyring.encrypt(device, plaintext)
    return Node("enc", {"v": "2", "type": envelope.kind.value, **attrs}, envelope.ciphertext)


def enc_attributes(sent: Sent) -> Attributes:
    """Give what `<enc>` says of the message inside."""
    return {} if sent.media_type is None else {"mediatype": sent.media_type}


def sender_key_message(group: Jid, distribution: bytes, message: bytes = b"") -> bytes:
    """Write a message that tells a sender key, along with whatever else it says."""
    told = {"groupID": str(group), "axolotlSenderKeyDistributionMessage": distribution}
    whole = e2e.Message.FromString(message)
    whole.MergeFrom(e2e.Message(senderKeyDistributionMessage=told))
    return bytes(whole.SerializeToString())


def _for_person(phone: Phone, to: Jid, sent: Sent, message: Any) -> list[Node]:
    directory = phone.network.directory
    receiver = directory.find(to)
    if receiver is None:
        directory.get(to.user)
        return []
    own_copy = content.sent_by_own_device(receiver.lid, message).SerializeToString()
    attrs = enc_attributes(sent)
    envelopes = _for_devices(phone, directory.devices(phone.account)[1:], own_copy, attrs)
    if receiver is not phone.account:
        envelopes = _for_devices(phone, directory.devices(receiver), sent.message, attrs) + envelopes
    return [Node("participants", {}, envelopes)]


def _for_group(phone: Phone, to: Jid, sent: Sent) -> list[Node]:
    group = phone.network.groups.get_for_member(to, phone.account.number)
    distribution = sender_key_message(group.jid, phone.keyring.group_distribution(group.jid))
    told = _for_devices(phone, _devices_of(phone, group.members), distribution, {})
    ciphertext = phone.keyring.encrypt_group(group.jid, sent.message)
    shared = Node("enc", {"v": "2", "type": "skmsg", **enc_attributes(sent)}, ciphertext)
    return [Node("participants", {}, told), shared]


def _for_devices(phone: Phone, devices: Iterable[Jid], plaintext: bytes, attrs: Attributes) -> list[Node]:
    """Encrypt for each device, passing over those whose keys are of no use (whatsmeow, send.go)."""
    envelopes = []
    for device in devices:
        with suppress(SignalError):
            envelopes.append(Node("to", {"jid": device}, [encrypted(phone, device, plaintext, attrs)]))
    return envelopes


def _devices_of(phone: Phone, numbers: Iterable[str]) -> list[Jid]:
    directory = phone.network.directory
    devices = [device for number in numbers for device in directory.devices(directory.get(number))]
    return [device for device in devices if device != phone.account.lid]
