"""What an API key allows, and what is kept of its secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.contract.api_keys import ApiKey, Scope, hash_secret, new_secret
from infra.contract.ids import SessionId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP, DESK = SessionId("shop"), SessionId("desk")


def a_key(
    *scopes: Scope, sessions: frozenset[SessionId] | None = None, expires: timedelta | None = None
) -> ApiKey:
    expires_at = None if expires is None else NOW + expires
    return ApiKey("k", "h", "roost_ab", "test", frozenset(scopes), NOW, sessions, expires_at)


def test_a_secret_is_recognised_by_its_hash_and_shows_only_its_beginning() -> None:
    made = new_secret()

    assert made.secret_hash == hash_secret(made.secret)
    assert made.secret.startswith(made.prefix)
    assert len(made.secret) - len(made.prefix) > 30
    assert new_secret().secret != made.secret


def test_a_key_may_what_its_scopes_say_and_nothing_else() -> None:
    key = a_key(Scope.MESSAGES_SEND)

    assert key.may(Scope.MESSAGES_SEND, SHOP)
    assert not key.may(Scope.MESSAGES_READ, SHOP)


def test_an_admin_key_may_everything() -> None:
    assert all(a_key(Scope.ADMIN).may(scope) for scope in Scope)


def test_a_key_for_one_session_is_of_no_use_for_another_even_for_an_admin() -> None:
    key = a_key(Scope.ADMIN, sessions=frozenset({SHOP}))

    assert key.may(Scope.MESSAGES_SEND, SHOP)
    assert not key.may(Scope.MESSAGES_SEND, DESK)


def test_a_key_is_worth_nothing_from_its_expiry_on() -> None:
    key = a_key(Scope.ADMIN, expires=timedelta(hours=1))

    assert key.is_valid_at(NOW)
    assert not key.is_valid_at(NOW + timedelta(hours=1))
