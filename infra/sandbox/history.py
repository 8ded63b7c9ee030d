"""The past that a phone tells a newly linked client: chats, push names, and which LID is whose number.

It travels as a zlib-compressed `HistorySync`: inside the peer message that announces it or, when it is
large, as a media file of the kind HISTORY. Source: whatsmeow, message.go, `DownloadHistorySync`.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from infra.contract.jid import Jid
from infra.sandbox.protobufs import e2e, history_sync

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.sandbox.media_crypto import EncryptedMedia


class PastMessage(msgspec.Struct, frozen=True):
    """One message of the past; `content` is a `Message` as bytes. `sender` is told in groups only."""

    id: str
    sent_at: datetime
    content: bytes
    from_me: bool = False
    sender: Jid | None = None
    push_name: str = ""


class Conversation(msgspec.Struct, frozen=True):
    """One chat and its messages, newest first. A person's also tells the number, `pn`, behind the LID."""

    jid: Jid
    name: str
    messages: tuple[PastMessage, ...] = ()
    pn: Jid | None = None
    unread_count: int = 0


def bootstrap(conversations: Iterable[Conversation]) -> Any:
    """Build the `HistorySync` that comes first: every chat, with a few messages each."""
    return _of_conversations("INITIAL_BOOTSTRAP", conversations)


def recent(conversations: Iterable[Conversation]) -> Any:
    """Build the `HistorySync` with the messages of the last months."""
    return _of_conversations("RECENT", conversations)


def push_names(names: Mapping[Jid, str]) -> Any:
    """Build the `HistorySync` that tells how the others call themselves."""
    told = [{"ID": str(jid), "pushname": name} for jid, name in names.items()]
    return history_sync.HistorySync(syncType="PUSH_NAME", pushnames=told, chunkOrder=1, progress=100)


def pack(sync: Any) -> bytes:
    """Give the bytes that travel: what is encrypted as media, or put inside the announcement."""
    return zlib.compress(sync.SerializeToString())


def announce_inline(sync: Any) -> Any:
    """Build the peer `Message` that holds the history itself."""
    return _announcement(sync, initialHistBootstrapInlinePayload=pack(sync))


def announce_media(sync: Any, media: EncryptedMedia, direct_path: str) -> Any:
    """Build the peer `Message` that says where the packed history was uploaded."""
    return _announcement(
        sync,
        mediaKey=media.media_key,
        fileSHA256=media.file_sha256,
        fileEncSHA256=media.file_enc_sha256,
        fileLength=media.file_length,
        directPath=direct_path,
    )


def _announcement(sync: Any, **where: object) -> Any:
    # The two enums called HistorySyncType share their numbers.
    notification = e2e.HistorySyncNotification(
        syncType=sync.syncType, chunkOrder=sync.chunkOrder, progress=sync.progress, **where
    )
    return e2e.Message(
        protocolMessage={"type": "HISTORY_SYNC_NOTIFICATION", "historySyncNotification": notification}
    )


def _of_conversations(kind: str, conversations: Iterable[Conversation]) -> Any:
    sync = history_sync.HistorySync(syncType=kind, chunkOrder=1, progress=100)
    for conversation in conversations:
        sync.conversations.append(_conversation(conversation))
        if conversation.pn is not None:
            sync.phoneNumberToLidMappings.add(pnJID=str(conversation.pn), lidJID=str(conversation.jid))
    return sync


def _conversation(conversation: Conversation) -> Any:
    told = history_sync.Conversation(
        ID=str(conversation.jid),
        name=conversation.name,
        unreadCount=conversation.unread_count,
        endOfHistoryTransfer=True,
        endOfHistoryTransferType="COMPLETE_AND_NO_MORE_MESSAGE_REMAIN_ON_PRIMARY",
    )
    if conversation.pn is not None:
        told.pnJID = str(conversation.pn)
    if conversation.messages:
        told.conversationTimestamp = int(conversation.messages[0].sent_at.timestamp())
    orders = range(len(conversation.messages), 0, -1)  # the oldest is number 1
    for order, message in zip(orders, conversation.messages, strict=True):
        told.messages.append(_message(message, conversation.jid, order))
    return told


def _message(message: PastMessage, chat: Jid, order: int) -> Any:
    key = {"remoteJID": str(chat), "fromMe": message.from_me, "ID": message.id}
    if message.sender is not None:
        key["participant"] = str(message.sender)
    told = {
        "key": key,
        "message": e2e.Message.FromString(message.content),
        "messageTimestamp": int(message.sent_at.timestamp()),
        "pushName": message.push_name or None,
    }
    return history_sync.HistorySyncMsg(message=told, msgOrderID=order)
