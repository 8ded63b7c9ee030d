"""API keys: found by their secret's hash, listed, rotated with an overlap, gone at once when deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from infra.aws.api_keys import ApiKeys
from infra.contract.api_keys import Scope
from tests.aws.builders import ADA, NOW, an_api_key
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients


@pytest.fixture
def api_keys(clients: Clients) -> ApiKeys:
    """The API keys of an empty stack."""
    return ApiKeys(clients)


def test_a_key_is_found_by_the_hash_of_its_secret_and_by_its_id(api_keys: ApiKeys) -> None:
    key = an_api_key(
        scopes=frozenset({Scope.ADMIN, Scope.MESSAGES_READ}),
        sessions=frozenset({ADA}),
        expires_at=NOW + timedelta(days=1),
        last_used_at=NOW,
    )

    api_keys.create(key)

    assert api_keys.find(key.secret_hash) == key
    assert api_keys.find_by_id(key.id) == key
    assert api_keys.find("another hash") is None
    assert api_keys.find_by_id("k") is None


def test_a_key_for_no_session_is_not_one_for_all(api_keys: ApiKeys) -> None:
    key = an_api_key(sessions=frozenset())

    api_keys.create(key)

    assert api_keys.find(key.secret_hash) == key


def test_creating_refuses_to_overwrite(api_keys: ApiKeys, clients: Clients) -> None:
    with first_answer_lost(clients, "PutItem"):
        assert api_keys.create(an_api_key())

    assert not api_keys.create(an_api_key(name="another"))


def test_keys_are_listed_by_id_in_pages(api_keys: ApiKeys) -> None:
    for key_id in ("b", "c", "a"):
        api_keys.create(an_api_key(key_id))

    first = api_keys.list(limit=2)
    second = api_keys.list(limit=2, cursor=first.cursor)

    assert [key.id for key in first.items] == ["a", "b"]
    assert [key.id for key in second.items] == ["c"]
    assert second.cursor is None


def test_a_deleted_key_is_gone_at_once(api_keys: ApiKeys) -> None:
    key = an_api_key()
    api_keys.create(key)

    api_keys.delete(key)
    api_keys.delete(key)

    assert api_keys.find(key.secret_hash) is None
    assert api_keys.list().items == []


def test_use_is_noted_at_the_most_once_a_minute(api_keys: ApiKeys) -> None:
    key = an_api_key()
    api_keys.create(key)

    first = api_keys.touch(key, now=NOW)
    soon = api_keys.touch(first, now=NOW + timedelta(seconds=59))
    later = api_keys.touch(soon, now=NOW + timedelta(seconds=60))

    assert first.last_used_at == NOW
    assert soon is first
    assert api_keys.find(key.secret_hash) == later
    assert later.last_used_at == NOW + timedelta(seconds=60)


def test_the_use_of_a_key_that_was_just_deleted_does_not_bring_it_back(api_keys: ApiKeys) -> None:
    key = an_api_key()

    api_keys.touch(key, now=NOW)

    assert api_keys.find(key.secret_hash) is None


def test_a_rotated_key_ends_when_the_overlap_does(api_keys: ApiKeys) -> None:
    old, new = an_api_key("old"), an_api_key("new")
    api_keys.create(old)

    rotated = api_keys.rotate(old, new, old_until=NOW + timedelta(hours=1))

    assert rotated
    assert api_keys.find(old.secret_hash) == msgspec.structs.replace(old, expires_at=NOW + timedelta(hours=1))
    assert api_keys.find(new.secret_hash) == new


def test_rotating_a_key_that_is_gone_makes_no_new_one(api_keys: ApiKeys) -> None:
    old, new = an_api_key("old"), an_api_key("new")

    assert not api_keys.rotate(old, new, old_until=NOW)
    assert api_keys.find(new.secret_hash) is None
    assert api_keys.find(old.secret_hash) is None
