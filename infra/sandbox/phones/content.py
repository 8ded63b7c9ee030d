"""What a `Message` protobuf says, and how a phone says it (fields: whatsmeow, waE2E)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from infra.sandbox.media_crypto import EncryptedMedia, MediaKind
from infra.sandbox.phones.records import Content, Media
from infra.sandbox.protobufs import as_text, e2e

if TYPE_CHECKING:
    from infra.contract.jid import Jid

MEDIA_FIELDS = {
    "imageMessage": ("image", MediaKind.IMAGE),
    "videoMessage": ("video", MediaKind.VIDEO),
    "audioMessage": ("audio", MediaKind.AUDIO),
    "documentMessage": ("document", MediaKind.DOCUMENT),
    "stickerMessage": ("sticker", MediaKind.STICKER),
}
MEDIA_KINDS = dict(MEDIA_FIELDS.values())

_WRAPPERS = (
    "ephemeralMessage",
    "viewOnceMessage",
    "viewOnceMessageV2",
    "documentWithCaptionMessage",
    "editedMessage",
)
_SILENT = {"messageContextInfo", "senderKeyDistributionMessage"}


class Quoted(NamedTuple):
    """What a reply repeats of the message that it replies to."""

    id: str
    author: Jid
    words: str


def read(message: Any) -> Content | None:
    """Say what a message is about; None when it only carries keys or other business of the protocol."""
    for wrapper in _WRAPPERS:
        if message.HasField(wrapper):
            return read(getattr(message, wrapper).message)
    if message.HasField("protocolMessage"):
        return _read_protocol(message.protocolMessage)
    if message.HasField("reactionMessage"):
        return Content(
            "reaction", as_text(message.reactionMessage.text), as_text(message.reactionMessage.key.ID)
        )
    if message.HasField("conversation"):
        return Content("text", as_text(message.conversation))
    if message.HasField("extendedTextMessage"):
        extended = message.extendedTextMessage
        return Content("text", as_text(extended.text), as_text(extended.contextInfo.stanzaID) or None)
    return _read_media(message) or _read_other(message)


def text(words: str) -> Any:
    """Say something."""
    return e2e.Message(conversation=words)


def reply(words: str, to: Quoted) -> Any:
    """Say something to a message that was said before."""
    quoted = {"stanzaID": to.id, "participant": str(to.author), "quotedMessage": {"conversation": to.words}}
    return e2e.Message(extendedTextMessage={"text": words, "contextInfo": quoted})


def media(kind: str, file: EncryptedMedia, direct_path: str, *, mime: str, caption: str) -> Any:
    """Show a file that is at the media hosts already."""
    field = next(name for name, (known, _) in MEDIA_FIELDS.items() if known == kind)
    parts = {
        "URL": f"https://mmg.whatsapp.net{direct_path}",
        "directPath": direct_path,
        "mimetype": mime,
        "mediaKey": file.media_key,
        "fileSHA256": file.file_sha256,
        "fileEncSHA256": file.file_enc_sha256,
        "fileLength": file.file_length,
    }
    if caption:
        parts["caption"] = caption
    return e2e.Message(**{field: parts})


def reaction(emoji: str, *, chat: Jid, target: str, target_from_me: bool, author: Jid | None) -> Any:
    """React to a message; an empty emoji takes the reaction back. `author` is needed in groups only."""
    key = {"remoteJID": str(chat), "fromMe": target_from_me, "ID": target}
    if author is not None:
        key["participant"] = str(author)
    return e2e.Message(reactionMessage={"key": key, "text": emoji})


def sent_by_own_device(chat: Jid, message: Any) -> Any:
    """Wrap what an account sent, for the account's other devices."""
    return e2e.Message(deviceSentMessage={"destinationJID": str(chat), "message": message})


def _read_protocol(protocol: Any) -> Content | None:
    kinds = e2e.ProtocolMessage
    if protocol.type == kinds.REVOKE and protocol.HasField("key"):
        return Content("revoke", target=as_text(protocol.key.ID))
    if protocol.type == kinds.MESSAGE_EDIT:
        edited = read(protocol.editedMessage)
        return Content("edit", "" if edited is None else edited.text, as_text(protocol.key.ID))
    return None


def _read_media(message: Any) -> Content | None:
    for field, (kind, _) in MEDIA_FIELDS.items():
        if message.HasField(field):
            part = getattr(message, field)
            found = Media(
                mime=as_text(part.mimetype),
                length=part.fileLength,
                direct_path=as_text(part.directPath),
                media_key=part.mediaKey,
                file_sha256=part.fileSHA256,
                file_enc_sha256=part.fileEncSHA256,
            )
            target = as_text(part.contextInfo.stanzaID) or None
            return Content(kind, as_text(getattr(part, "caption", "")), target, found)
    return None


def _read_other(message: Any) -> Content | None:
    fields = [field.name for field, _ in message.ListFields() if field.name not in _SILENT]
    return Content(fields[0].removesuffix("Message")) if fields else None
