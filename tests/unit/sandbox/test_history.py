"""The history of a newly linked client, read as whatsmeow reads it."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

from infra.contract.jid import Jid
from infra.sandbox.history import (
    Conversation,
    PastMessage,
    announce_inline,
    announce_media,
    bootstrap,
    pack,
    push_names,
    recent,
)
from infra.sandbox.media_crypto import MediaKind, decrypt, encrypt
from infra.sandbox.protobufs import e2e, history_sync

ADA, ADA_PN = Jid.lid("83471112233"), Jid.phone_number("14155550101")
GROUP = Jid("120363025", "g.us")


def a_message(number: int, *, sender: Jid | None = None, from_me: bool = False) -> PastMessage:
    content = e2e.Message(conversation=f"text {number}").SerializeToString()
    sent_at = datetime(2026, 3, 1, 12, 0, number, tzinfo=UTC)
    return PastMessage(f"3EB0{number}", sent_at, content, from_me=from_me, sender=sender, push_name="Ada")


def unpacked(payload: bytes) -> Any:
    return history_sync.HistorySync.FromString(zlib.decompress(payload))


def notification_of(message: Any) -> Any:
    received = e2e.Message.FromString(message.SerializeToString())
    assert received.protocolMessage.type == e2e.ProtocolMessage.HISTORY_SYNC_NOTIFICATION
    return received.protocolMessage.historySyncNotification


def test_a_bootstrap_tells_every_chat_with_its_messages_in_order() -> None:
    chat = Conversation(ADA, "Ada", (a_message(2, from_me=True), a_message(1)), pn=ADA_PN, unread_count=1)

    (told,) = unpacked(pack(bootstrap([chat]))).conversations

    assert (told.ID, told.pnJID, told.name, told.unreadCount) == (str(ADA), str(ADA_PN), "Ada", 1)
    assert [entry.message.message.conversation for entry in told.messages] == ["text 2", "text 1"]
    assert [entry.message.key.fromMe for entry in told.messages] == [True, False]
    assert [entry.msgOrderID for entry in told.messages] == [2, 1]
    assert told.conversationTimestamp == told.messages[0].message.messageTimestamp == 1_772_366_402


def test_a_bootstrap_tells_whose_number_a_lid_is() -> None:
    sync = unpacked(pack(bootstrap([Conversation(ADA, "Ada", pn=ADA_PN), Conversation(GROUP, "Friends")])))

    (mapping,) = sync.phoneNumberToLidMappings
    assert (mapping.pnJID, mapping.lidJID) == (str(ADA_PN), str(ADA))


def test_a_groups_message_tells_its_sender() -> None:
    chat = Conversation(GROUP, "Friends", (a_message(1, sender=ADA),))

    (told,) = unpacked(pack(recent([chat]))).conversations

    key = told.messages[0].message.key
    assert (key.remoteJID, key.participant, key.ID) == (str(GROUP), str(ADA), "3EB01")


def test_push_names_are_told_by_address() -> None:
    sync = unpacked(pack(push_names({ADA: "Ada"})))

    assert sync.syncType == history_sync.HistorySync.PUSH_NAME
    assert [(told.ID, told.pushname) for told in sync.pushnames] == [(str(ADA), "Ada")]


def test_an_inline_announcement_holds_the_history() -> None:
    sync = recent([Conversation(ADA, "Ada", (a_message(1),))])

    notification = notification_of(announce_inline(sync))

    assert notification.syncType == e2e.RECENT
    assert unpacked(notification.initialHistBootstrapInlinePayload) == sync


def test_a_media_announcement_leads_to_the_history() -> None:
    sync = bootstrap([Conversation(ADA, "Ada", (a_message(1),))])
    media = encrypt(pack(sync), MediaKind.HISTORY)

    notification = notification_of(announce_media(sync, media, "/v/ab?ccb=1"))

    payload = decrypt(
        media.body,
        MediaKind.HISTORY,
        media_key=notification.mediaKey,
        file_sha256=notification.fileSHA256,
        file_enc_sha256=notification.fileEncSHA256,
    )
    assert unpacked(payload) == sync
    assert notification.directPath == "/v/ab?ccb=1"
    assert not notification.HasField("initialHistBootstrapInlinePayload")
