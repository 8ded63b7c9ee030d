"""API keys: what they may do, and how their secrets are made and recognised. Secrets are never stored."""

from __future__ import annotations

import enum
import hashlib
import secrets
from datetime import datetime
from typing import NamedTuple

import msgspec

from infra.contract.ids import SessionId

SECRET_PREFIX = "roost_"  # noqa: S105 - no secret, but how one begins
_SECRET_BYTES = 32
_SHOWN = len(SECRET_PREFIX) + 6


class Scope(enum.StrEnum):
    """What a key may do."""

    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    MESSAGES_READ = "messages:read"
    MESSAGES_SEND = "messages:send"
    ADMIN = "admin"
    """Everything, and API keys and connectors besides."""


class ApiKey(msgspec.Struct, frozen=True):
    """A key as it is stored: by the hash of its secret."""

    id: str
    secret_hash: str
    prefix: str
    """The beginning of the secret, by which its owner recognises it."""
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    sessions: frozenset[SessionId] | None = None
    """The only sessions that it may touch; None for all."""
    expires_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid_at(self, now: datetime) -> bool:
        """Tell whether the key has not expired."""
        return self.expires_at is None or now < self.expires_at

    def may(self, scope: Scope, session_id: SessionId | None = None) -> bool:
        """Tell whether the key allows this, for this session if it is about one."""
        if session_id is not None and self.sessions is not None and session_id not in self.sessions:
            return False
        return Scope.ADMIN in self.scopes or scope in self.scopes


class NewSecret(NamedTuple):
    """A secret that was just made: it is shown once."""

    secret: str
    secret_hash: str
    prefix: str


def new_secret() -> NewSecret:
    """Make a secret."""
    return describe_secret(SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES))


def describe_secret(secret: str) -> NewSecret:
    """Give the hash and the prefix of a secret that was chosen elsewhere, such as in ROOST_ADMIN_KEY."""
    return NewSecret(secret, hash_secret(secret), secret[:_SHOWN])


def hash_secret(secret: str) -> str:
    """Give the SHA-256 of a secret, in hex. Secrets have 256 random bits, so they need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
