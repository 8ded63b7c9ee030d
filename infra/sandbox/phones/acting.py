"""What the owner of a phone does with it: write, send files, react, edit, revoke, read."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox import media_crypto
from infra.sandbox.media_crypto import MediaError
from infra.sandbox.media_store import MediaStoreError
from infra.sandbox.network import receipts
from infra.sandbox.network.accounts import PHONE
from infra.sandbox.phones import content as contents
from infra.sandbox.phones.sending import send, send_receipt
from infra.sandbox.protobufs import e2e
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.sandbox.phones.phone import Phone
    from infra.sandbox.phones.records import Media, Received, Sent


_EDIT, _REVOCATION = "1", "7"
"""What a stanza says of a message that changes another (whatsmeow, types/message.go: EditAttribute)."""


class NoSuchMessageError(LookupError):
    """The phone has no message with this id."""


def chat_of(phone: Phone, to: str) -> Jid:
    """Give the address of a number or a group's id; raises NoSuchAccountError or NoSuchGroupError."""
    if to.endswith("@" + GROUP_SERVER):
        return phone.network.groups.get_for_member(
            Jid(to.partition("@")[0], GROUP_SERVER), phone.account.number
        ).jid
    return phone.network.directory.get(to).lid


def write(phone: Phone, to: str, words: str, *, reply_to: str | None = None) -> Sent:
    """Send a text; `reply_to` is the id of a message in the phone."""
    chat = chat_of(phone, to)
    if reply_to is None:
        return send(phone, chat, contents.text(words))
    quoted = contents.Quoted(reply_to, _author(phone, reply_to), _words(phone, reply_to))
    return send(phone, chat, contents.reply(words, quoted))


async def send_file(phone: Phone, to: str, data: bytes, *, kind: str, mime: str, caption: str) -> Sent:
    """Encrypt and upload a file, and send the message that shows it."""
    chat = chat_of(phone, to)
    file = await asyncio.to_thread(media_crypto.encrypt, data, contents.MEDIA_KINDS[kind])
    path = await phone.media_store.upload(file.file_enc_sha256, file.body)
    if chat.server != GROUP_SERVER:
        path += f"&to={phone.number_of(chat)}"  # tells whose download it is, for faults on order
    message = contents.media(kind, file, path, mime=mime, caption=caption)
    return send(phone, chat, message, stanza_type="media", media_type=kind)


def react(phone: Phone, message_id: str, emoji: str) -> Sent:
    """React to a message that the phone received or sent."""
    chat, from_me = _place(phone, message_id)
    author = _author(phone, message_id) if chat.server == GROUP_SERVER else None
    message = contents.reaction(emoji, chat=chat, target=message_id, target_from_me=from_me, author=author)
    return send(phone, chat, message, stanza_type="reaction", edit=None if emoji else _REVOCATION)


def edit(phone: Phone, message_id: str, words: str) -> Sent:
    """Change the words of a message that the phone sent."""
    sent = _own(phone, message_id)
    protocol = {"type": "MESSAGE_EDIT", "key": _own_key(sent), "editedMessage": {"conversation": words}}
    return send(phone, Jid.parse(sent.chat), e2e.Message(protocolMessage=protocol), edit=_EDIT)


def revoke(phone: Phone, message_id: str) -> Sent:
    """Delete a message that the phone sent, for everybody."""
    sent = _own(phone, message_id)
    protocol = {"type": "REVOKE", "key": _own_key(sent)}
    return send(phone, Jid.parse(sent.chat), e2e.Message(protocolMessage=protocol), edit=_REVOCATION)


def mark_read(phone: Phone, message_id: str) -> None:
    """Tell a message's sender that it was read."""
    received = _received(phone, message_id)
    phone.delivered.flush()
    sender = phone.network.directory.get(received.sender).lid
    chat = Jid.parse(received.chat) if "@" in received.chat else sender
    attrs: Attributes = {"id": message_id, "to": chat, "type": "read"}
    if chat.server == GROUP_SERVER:
        attrs["participant"] = sender
    send_receipt(phone, Node("receipt", attrs))


def watch(phone: Phone, number: str) -> None:
    """See from now on whether a contact is online; raises NoSuchAccountError."""
    contact = phone.network.directory.get(number).lid
    receipts.subscribe(phone.network, phone.account.lid, f"{phone.account.number}:{PHONE}", contact)


async def open_media(phone: Phone, received: Received) -> None:
    """Download and decrypt a message's file, if it has one; note its hash, or what is wrong with it."""
    content = received.content
    if content is None or content.media is None or content.media.sha256 is not None:
        return
    try:
        data = await _download(phone, content.kind, content.media)
    except (MediaStoreError, MediaError) as error:
        content.media.problem = f"{type(error).__name__}: {error}"
    else:
        content.media.sha256, content.media.problem = hashlib.sha256(data).hexdigest(), None
    phone.diary.changed(received)


async def _download(phone: Phone, kind: str, media: Media) -> bytes:
    body = await phone.media_store.download(media.direct_path)
    return await asyncio.to_thread(
        media_crypto.decrypt,
        body,
        contents.MEDIA_KINDS[kind],
        media_key=media.media_key,
        file_sha256=media.file_sha256,
        file_enc_sha256=media.file_enc_sha256,
    )


def _received(phone: Phone, message_id: str) -> Received:
    if (received := phone.diary.find_received(message_id)) is None:
        raise NoSuchMessageError(f"the phone received no message {message_id}")
    return received


def _own(phone: Phone, message_id: str) -> Sent:
    if (sent := phone.diary.find_sent(message_id)) is None:
        raise NoSuchMessageError(f"the phone sent no message {message_id}")
    return sent


def _own_key(sent: Sent) -> dict[str, object]:
    return {"remoteJID": sent.chat, "fromMe": True, "ID": sent.id}


def _place(phone: Phone, message_id: str) -> tuple[Jid, bool]:
    if (sent := phone.diary.find_sent(message_id)) is not None:
        return Jid.parse(sent.chat), True
    received = _received(phone, message_id)
    return chat_of(phone, received.chat), received.from_me


def _author(phone: Phone, message_id: str) -> Jid:
    if phone.diary.find_sent(message_id) is not None:
        return phone.account.lid
    return phone.network.directory.get(_received(phone, message_id).sender).lid


def _words(phone: Phone, message_id: str) -> str:
    if (sent := phone.diary.find_sent(message_id)) is not None:
        content = contents.read(e2e.Message.FromString(sent.message))
    else:
        content = _received(phone, message_id).content
    return "" if content is None else content.text
