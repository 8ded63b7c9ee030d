"""Records for tests, whole but for what the test is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from infra.contract.api_keys import ApiKey, Scope, hash_secret
from infra.contract.ids import InboundRef, OutboundRef, SessionId
from infra.contract.jid import Jid
from infra.contract.message import Inbound, Outbound, OutboundStatus, Text
from infra.contract.session import Desired, Session, SessionStatus

NOW = datetime(2026, 1, 31, 12, 30, 15, 123456, tzinfo=UTC)
ADA = SessionId("Ada")
BOB = Jid.phone_number("14155550101")
CYD = Jid.phone_number("14155550102")


def a_session(session_id: str = ADA, **fields: Any) -> Session:
    """Build a session that was just created."""
    usual: dict[str, Any] = {
        "created_at": NOW,
        "desired": Desired.STOPPED,
        "status": SessionStatus.CREATED,
    }
    return Session(id=SessionId(session_id), **{**usual, **fields})


def a_connected_session(session_id: str = ADA, **fields: Any) -> Session:
    """Build a session that takes sends."""
    usual = {"desired": Desired.RUNNING, "status": SessionStatus.CONNECTED, "linked": True, "shard": 0}
    return a_session(session_id, **{**usual, **fields})


def an_outbound(seq: int = 1, text: str = "hello", **fields: Any) -> Outbound:
    """Build a message that was just accepted, the later the higher its place."""
    at = NOW + timedelta(seconds=seq)
    usual: dict[str, Any] = {
        "session_id": ADA,
        "to": BOB,
        "content": Text(text),
        "status": OutboundStatus.QUEUED,
        "accepted_at": at,
        "expires_at": at + timedelta(hours=24),
        "secret": seq.to_bytes(32, "big"),
    }
    return Outbound(ref=OutboundRef(seq), **{**usual, **fields})


def an_inbound(wa_id: str = "3EB0", *, seconds: float = 0, text: str = "hi", **fields: Any) -> Inbound:
    """Build a message that was received so many seconds after NOW."""
    at = NOW + timedelta(seconds=seconds)
    usual: dict[str, Any] = {"session_id": ADA, "chat": BOB, "sender": BOB, "content": Text(text)}
    ref = InboundRef(int(at.timestamp() * 1000), wa_id)
    return Inbound(ref=ref, received_at=at, **{**usual, **fields})


def an_api_key(key_id: str = "k1", **fields: Any) -> ApiKey:
    """Build an API key that may send."""
    usual: dict[str, Any] = {
        "secret_hash": hash_secret(key_id),
        "prefix": "roost_abcdef",
        "name": "a key",
        "scopes": frozenset({Scope.MESSAGES_SEND}),
        "created_at": NOW,
    }
    return ApiKey(id=key_id, **{**usual, **fields})
