"""The layout of everything stored, spelled once: the table's keys and indexes, S3's keys, the queues' names.

`template.yaml` uses the same names; a test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from infra.contract.ids import ConnectorId, InboundRef, MessageRef, OutboundRef, SessionId

if TYPE_CHECKING:
    from datetime import datetime

    from infra.contract.jid import Jid

PARTITION = "pk"
SORT = "sk"
EXPIRES_AT = "expires_at"
"""Seconds since 1970 after which DynamoDB may delete an item. It may take days: reads check by themselves."""

SEQ_DIGITS = 15


class Index(NamedTuple):
    """A sparse, KEYS_ONLY index: an item is in it while it has both attributes."""

    name: str
    partition: str
    sort: str


SESSIONS_BY_SHARD = Index("sessions-by-shard", "shard_pk", "shard_sk")
"""Sessions that a customer wants to run, by the shard that they are placed on."""
LISTINGS = Index("listings", "listing_pk", "listing_sk")
"""What can be listed whole, by id: sessions and API keys."""
MESSAGES_BY_WA_ID = Index("messages-by-wa-id", "wa_pk", "wa_sk")
"""Sent messages by WhatsApp's id, for receipts."""
MESSAGES_BY_CHAT = Index("messages-by-chat", "chat_pk", "chat_sk")
"""A chat's messages in both directions, by time."""
INDEXES = (SESSIONS_BY_SHARD, LISTINGS, MESSAGES_BY_WA_ID, MESSAGES_BY_CHAT)


class Key(NamedTuple):
    """The primary key of one item."""

    pk: str
    sk: str


def session(session_id: SessionId) -> Key:
    """Where a session stands."""
    return Key(f"SESSION#{session_id}", "SESSION")


def message(session_id: SessionId, ref: MessageRef) -> Key:
    """Where a message stands; a received one by WhatsApp's own time and id, so that twice is once."""
    match ref:
        case OutboundRef(seq=seq):
            return Key(session(session_id).pk, outbound_sort(seq))
        case InboundRef(at_ms=at_ms, wa_id=wa_id):
            return Key(session(session_id).pk, f"IN#{at_ms:013d}#{wa_id}")


def outbound_sort(seq: int) -> str:
    """Give the sort key of a place in the outbox; places sort as numbers do."""
    return f"OUT#{seq:0{SEQ_DIGITS}d}"


def earlier_attempt(session_id: SessionId, wa_id: str) -> Key:
    """Where it stands which message WhatsApp may have taken under this id before it was sent again."""
    return Key(session(session_id).pk, f"WA#{wa_id}")


def idempotency(session_id: SessionId, key: str) -> Key:
    """Where it stands which message a customer's Idempotency-Key stands for."""
    return Key(session(session_id).pk, f"IDEM#{key}")


def call(session_id: SessionId, call_id: str) -> Key:
    """Where a request to a session's connector stands, and its answer."""
    return Key(session(session_id).pk, f"CALL#{call_id}")


def api_key(secret_hash: str) -> Key:
    """Where an API key stands: found by the hash of its secret."""
    return Key(f"KEY#{secret_hash}", "KEY")


def shard_lease(shard: int) -> Key:
    """Where a shard's lease stands."""
    return Key("SHARD", f"{shard:05d}")


def connector(connector_id: ConnectorId) -> Key:
    """Where a connector tells that it lives."""
    return Key("CONNECTOR", connector_id)


def shard_partition(shard: int) -> str:
    """Give the partition of a shard's sessions in SESSIONS_BY_SHARD."""
    return f"SHARD#{shard}"


SESSION_LISTING = "SESSIONS"
API_KEY_LISTING = "KEYS"
"""The partitions of LISTINGS."""


def wa_id_partition(session_id: SessionId, wa_id: str) -> str:
    """Give the partition of a sent message in MESSAGES_BY_WA_ID."""
    return f"{session_id}#{wa_id}"


def chat_partition(session_id: SessionId, chat: Jid) -> str:
    """Give the partition of a chat in MESSAGES_BY_CHAT."""
    return f"{session_id}#{chat}"


def chat_sort(at: datetime, ref: MessageRef) -> str:
    """Give the place of a message among those of its chat: by time, then by id."""
    return f"{chat_moment(at)}#{ref}"


def chat_moment(at: datetime) -> str:
    """Give what stands before all that passed in a chat at a time, and after all before it."""
    return f"{int(at.timestamp() * 1000):013d}"


def auth_blob(session_id: SessionId) -> str:
    """Give the S3 key of a session's auth blob."""
    return f"sessions/{session_id}/device.db.zst"


def table(stack: str) -> str:
    """Give the name of the table."""
    return f"{stack}-table"


def bucket(stack: str, account: str) -> str:
    """Give the name of the bucket; those of all the world's accounts differ."""
    return f"{stack}-{account}"


def events_queue(stack: str) -> str:
    """Give the name of the queue from the connectors to the control plane."""
    return f"{stack}-events"


def shard_queue(stack: str, shard: int) -> str:
    """Give the name of a shard's nudge queue."""
    return f"{stack}-shard-{shard}"
