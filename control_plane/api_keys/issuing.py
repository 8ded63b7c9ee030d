"""Makes API keys: new ones, and successors of old ones."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import msgspec

from infra.contract.api_keys import ApiKey, NewSecret, Scope, new_secret

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from infra.contract.ids import SessionId


def new_key(
    secret: NewSecret,
    *,
    name: str,
    scopes: Collection[Scope],
    created_at: datetime,
    sessions: Collection[SessionId] | None = None,
    expires_at: datetime | None = None,
) -> ApiKey:
    """Make a key for a secret."""
    return ApiKey(
        id=f"key_{secrets.token_hex(6)}",
        secret_hash=secret.secret_hash,
        prefix=secret.prefix,
        name=name,
        scopes=frozenset(scopes),
        created_at=created_at,
        sessions=None if sessions is None else frozenset(sessions),
        expires_at=expires_at,
    )


def successor(old: ApiKey, *, created_at: datetime) -> tuple[NewSecret, ApiKey]:
    """Make a key that may do what the old one may, with a secret of its own."""
    secret = new_secret()
    fresh = new_key(secret, name=old.name, scopes=old.scopes, created_at=created_at)
    return secret, msgspec.structs.replace(fresh, sessions=old.sessions, expires_at=old.expires_at)
