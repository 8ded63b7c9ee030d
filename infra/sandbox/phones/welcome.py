"""What a phone sends a newly linked device first: the key to the app state, and the past."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox import history
from infra.sandbox.app_state_content import key_share
from infra.sandbox.phones import sending
from infra.sandbox.protobufs import e2e

if TYPE_CHECKING:
    from infra.sandbox.phones.phone import Phone


def welcome(phone: Phone, companion: Jid) -> None:
    """Send the app state key, the conversations of the past, and how the contacts call themselves."""
    sending.send_peer(phone, companion, key_share(phone.record.app_state_key, datetime.now(UTC)))
    bootstrap = history.bootstrap(_conversations(phone))
    sending.send_peer(phone, companion, history.announce_inline(bootstrap))
    names = {account.lid: account.name for account in phone.network.directory}
    sending.send_peer(phone, companion, history.announce_inline(history.push_names(names)))


def answer_companion(phone: Phone, companion: Jid, message: Any) -> None:
    """Answer what a companion asks of its phone; only the app state key can be asked for."""
    kinds = e2e.ProtocolMessage
    if message.protocolMessage.type == kinds.APP_STATE_SYNC_KEY_REQUEST:
        sending.send_peer(phone, companion, key_share(phone.record.app_state_key, datetime.now(UTC)))


def _conversations(phone: Phone) -> list[history.Conversation]:
    past: defaultdict[Jid, list[history.PastMessage]] = defaultdict(list)
    for sent in phone.diary.sent():
        message = history.PastMessage(sent.id, _moment(sent.sent_at), sent.message, from_me=True)
        past[Jid.parse(sent.chat)].append(message)
    for received in phone.diary.received:
        if received.content is not None and received.content.kind == "text":
            chat, sender = _chat(phone, received.chat), _chat(phone, received.sender)
            said = e2e.Message(conversation=received.content.text).SerializeToString()
            message = history.PastMessage(
                received.id,
                _moment(received.received_at),
                said,
                from_me=received.from_me,
                sender=sender if chat.server == GROUP_SERVER else None,
            )
            past[chat].append(message)
    return [_conversation(phone, chat, messages) for chat, messages in past.items()]


def _conversation(phone: Phone, chat: Jid, messages: list[history.PastMessage]) -> history.Conversation:
    newest_first = tuple(sorted(messages, key=lambda message: message.sent_at, reverse=True))
    if chat.server == GROUP_SERVER:
        return history.Conversation(chat, phone.network.groups.get(chat).subject, newest_first)
    account = phone.network.directory.find(chat)
    if account is None:
        return history.Conversation(chat, "", newest_first)
    return history.Conversation(account.lid, account.name, newest_first, pn=account.pn)


def _chat(phone: Phone, shown: str) -> Jid:
    return Jid.parse(shown) if "@" in shown else phone.network.directory.get(shown).lid


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)
