"""Messages as items of the table and back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.records import Reader, at, listed, to_item
from infra.contract import keys
from infra.contract.ids import InboundRef, OutboundRef, SessionId
from infra.contract.keys import MESSAGES_BY_CHAT, MESSAGES_BY_WA_ID
from infra.contract.message import Inbound, Message, Outbound

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.contract.ids import MessageRef
    from infra.contract.jid import Jid

OUTBOUND = "OUT#"
INBOUND = "IN#"
"""How the sort keys of the two directions begin."""
VOID = "void"
"""The attribute of a place in the outbox that no message may take any more."""
RETENTION = timedelta(days=30)
"""How long messages are kept after they were accepted or received."""

_IN_KEY = ("session_id", "ref")
_OUTBOUND = Reader(Outbound)
_INBOUND = Reader(Inbound)


def write_message(message: Message, *, delete_at: datetime) -> Item:
    """Write a message, found by its chat too."""
    match message:
        case Outbound():
            chat, at = message.to, message.accepted_at
        case Inbound():
            chat, at = message.chat, message.received_at
    key = keys.message(message.session_id, message.ref)
    return {
        **to_item(message, key, without=_IN_KEY, delete_at=delete_at),
        **_in_chat(message.session_id, chat, at, message.ref),
    }


def read_message(item: Item) -> Message:
    """Read a message of either direction."""
    return read_outbound(item) if item[keys.SORT].startswith(OUTBOUND) else _read_inbound(item)


def read_outbound(item: Item) -> Outbound:
    """Read a message that was accepted for sending."""
    return _OUTBOUND.read(item, session_id=_session_of(item), ref={"seq": seq_of(item)})


def write_void(session_id: SessionId, ref: OutboundRef, *, now: datetime) -> Item:
    """Write a place that stays empty."""
    delete_at = int((now + RETENTION).timestamp())
    return {**at(keys.message(session_id, ref)), VOID: True, keys.EXPIRES_AT: delete_at}


def write_attempt(message: Outbound, wa_id: str) -> Item:
    """Write an id that WhatsApp may have taken a message under before it was sent again; receipts find it."""
    return {
        **at(keys.earlier_attempt(message.session_id, wa_id)),
        **by_wa_id(message.session_id, message.ref, wa_id),
        keys.EXPIRES_AT: int((message.accepted_at + RETENTION).timestamp()),
    }


def seq_of(item: Item) -> int:
    """Give the place in the outbox that an outbound message has by its key."""
    return place_of(item[keys.SORT])


def place_of(sort: str) -> int:
    """Give the place in the outbox that an outbound message's sort key names."""
    return int(sort.removeprefix(OUTBOUND))


def by_wa_id(session_id: SessionId, ref: OutboundRef, wa_id: str) -> Item:
    """Give the attributes by which receipts find a sent message."""
    return listed(
        MESSAGES_BY_WA_ID, keys.wa_id_partition(session_id, wa_id), keys.message(session_id, ref).sk
    )


def _in_chat(session_id: SessionId, chat: Jid, at: datetime, ref: MessageRef) -> Item:
    return listed(MESSAGES_BY_CHAT, keys.chat_partition(session_id, chat), keys.chat_sort(at, ref))


def _read_inbound(item: Item) -> Inbound:
    at_ms, _, wa_id = item[keys.SORT].removeprefix(INBOUND).partition("#")
    ref = InboundRef(int(at_ms), wa_id)
    return _INBOUND.read(item, session_id=_session_of(item), ref=ref)


def _session_of(item: Item) -> SessionId:
    return SessionId(item[keys.PARTITION].partition("#")[2])
