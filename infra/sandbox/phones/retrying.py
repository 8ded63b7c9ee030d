"""Retry receipts, both ways: asking for a message again, and encrypting one again (whatsmeow, retry.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.network import key_iq
from infra.sandbox.phones import content, sending
from infra.sandbox.protobufs import e2e
from infra.sandbox.signal.errors import SignalError
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.sandbox.phones.phone import Phone
    from infra.sandbox.phones.records import Sent

MAX_ATTEMPTS = 5
"""How often a message is asked for, and encrypted again for one device."""


def ask_again(phone: Phone, stanza: Node, sender: Jid) -> None:
    """Ask a message's sender to encrypt it again; from the second time on with keys for a new session."""
    count = phone.diary.failures(stanza.text("id"))
    if count >= MAX_ATTEMPTS:
        return
    phone.network.stats.retry_receipts_out += 1
    asked = {"count": str(count), "id": stanza.text("id"), "t": stanza.text("t"), "v": "1"}
    parts = [Node("retry", dict(asked)), key_iq.registration_node(phone.keyring.keys.registration_id)]
    if count > 1:
        parts.append(Node("keys", {}, key_iq.bundle_nodes(phone.keyring.bundle())))
    attrs: Attributes = {"id": stanza.text("id"), "to": stanza.jid("from"), "type": "retry"}
    if "participant" in stanza.attrs:
        attrs["participant"] = sender
    if "recipient" in stanza.attrs:  # the chat, where one's own device sent it
        attrs["recipient"] = stanza.jid("recipient")
    sending.send_receipt(phone, Node("receipt", attrs, parts))


def encrypt_again(phone: Phone, receipt: Node) -> None:
    """Answer a retry receipt with the same message for the one device, if it is still remembered."""
    chat = receipt.jid("from")
    device = receipt.jid("participant") if chat.server == GROUP_SERVER else chat
    sent = phone.diary.find_sent(receipt.get("retry").text("id"))
    if sent is None or not _may_ask(sent, device):
        return
    attrs = {**sending.enc_attributes(sent), "count": receipt.get("retry").text("count")}
    try:
        _renew_session(phone, device, receipt)
        enc = sending.encrypted(phone, device, _plaintext(phone, sent, device), attrs)
    except SignalError:
        return
    to: Attributes = {"to": device}
    if chat.server == GROUP_SERVER:
        to = {"to": chat, "participant": device}
    elif "recipient" in receipt.attrs:
        to["recipient"] = receipt.jid("recipient")
    stanza = Node("message", {"id": sent.id, "type": sent.stanza_type, **to}, [enc])
    phone.network.post(phone.account, phone.account.lid, stanza)


def _may_ask(sent: Sent, device: Jid) -> bool:
    attempts = sent.attempts.get(str(device), 0) + 1
    sent.attempts[str(device)] = attempts
    return attempts < MAX_ATTEMPTS


def _renew_session(phone: Phone, device: Jid, receipt: Node) -> None:
    bundle = None
    if receipt.find("keys") is not None:
        bundle = key_iq.read_bundle(receipt)
    elif receipt.get("retry").number("count", 1) > 1:
        bundle = phone.network.bundle(device)
    if bundle is not None:
        phone.keyring.start_session(device, bundle)


def _plaintext(phone: Phone, sent: Sent, device: Jid) -> bytes:
    chat = Jid.parse(sent.chat)
    if chat.server == GROUP_SERVER:
        return sending.sender_key_message(chat, phone.keyring.group_distribution(chat), sent.message)
    if phone.network.directory.find(device) is phone.account:
        wrapped = content.sent_by_own_device(chat, e2e.Message.FromString(sent.message))
        return bytes(wrapped.SerializeToString())
    return sent.message
