"""Who may do what: every route needs an API key, but those on the named list."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any

from control_plane.parsing import session_id
from control_plane.problems import Code, ProblemError
from infra.contract.api_keys import ApiKey, Scope, hash_secret

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection
    from litestar.handlers import BaseRouteHandler
    from litestar.types import Guard

    from infra.aws.api_keys import ApiKeys
    from infra.contract.clock import Clock
    from infra.contract.ids import SessionId

OPEN_ROUTES = frozenset(
    {
        "/health",
        "/ready",
        "/api-docs",
        "/api-docs/openapi.json",
        "/api-docs/assets/{file_name}",
        "/api-docs/{path}",
    }
)
"""The routes that need no key; everything else does."""

_SCOPE = "scope"
_SCHEME = "bearer"


def needs(scope: Scope) -> dict[str, Any]:
    """Declare beside a route which scope it needs: `opt=needs(Scope.SESSIONS_READ)`."""
    return {_SCOPE: scope}


def key_guard(api_keys: ApiKeys, clock: Clock) -> Guard:
    """Make the guard of all routes: it finds the key, checks it, and leaves it as `request.auth`."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], route: BaseRouteHandler) -> None:
        if connection.scope["path_template"] in OPEN_ROUTES:
            return
        secret = _bearer(connection.headers.get("authorization"))
        connection.scope["auth"] = await asyncio.to_thread(
            _admit, api_keys, clock, secret, scope=route.opt[_SCOPE], session_id=_session(connection)
        )

    return guard


def _admit(
    api_keys: ApiKeys, clock: Clock, secret: str, *, scope: Scope, session_id: SessionId | None
) -> ApiKey:
    secret_hash = hash_secret(secret)
    key = api_keys.find(secret_hash)
    if key is None or not hmac.compare_digest(key.secret_hash, secret_hash):
        raise ProblemError(Code.KEY_INVALID, "no key has this secret; secrets are compared whole")
    if not key.is_valid_at(clock.now()):
        raise ProblemError(Code.KEY_EXPIRED, f"the key {key.id} expired at {key.expires_at}")
    check_scope(key, scope)
    if session_id is not None:
        check_session(key, scope, session_id)
    return api_keys.touch(key, now=clock.now())


def check_scope(key: ApiKey, scope: Scope) -> None:
    """Raise the problem if the key lacks this scope."""
    if not key.may(scope):
        raise ProblemError(Code.SCOPE_MISSING, f"the key {key.id} lacks the scope {scope}")


def check_session(key: ApiKey, scope: Scope, session_id: SessionId) -> None:
    """Raise the problem if the key is restricted to other sessions; whether this one exists stays untold."""
    if not key.may(scope, session_id):
        raise ProblemError(Code.SESSION_NOT_ALLOWED, f"the key {key.id} is restricted to other sessions")


def _bearer(header: str | None) -> str:
    scheme, _, secret = (header or "").partition(" ")
    if scheme.lower() != _SCHEME or not secret.strip():
        raise ProblemError(Code.KEY_MISSING, "send the header `Authorization: Bearer roost_…`")
    return secret.strip()


def _session(connection: ASGIConnection[Any, Any, Any, Any]) -> SessionId | None:
    text = connection.path_params.get("session_id")
    return None if text is None else session_id(text, field="session_id")
