"""API keys: made, listed, rotated, deleted; their secrets shown once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from control_plane.api_keys.bootstrap import bootstrap_admin_key
from infra.contract.api_keys import hash_secret
from tests.api.conftest import ADMIN_SECRET

if TYPE_CHECKING:
    from tests.api.gateway import Gateway

KEYS = "/v1/api-keys"


async def test_a_secret_is_shown_once_and_stored_as_a_hash(gateway: Gateway) -> None:
    answer = await gateway.http.post(KEYS, json={"name": "Web shop", "scopes": ["messages:send"]})

    secret, shown = answer.json()["secret"], answer.json()["key"]
    listed = await gateway.http.get(KEYS)
    stored = gateway.api_keys.find(hash_secret(secret))
    assert answer.status_code == 201
    assert secret.startswith(shown["prefix"])
    assert shown in listed.json()["items"]
    assert secret not in listed.text
    assert stored is not None
    assert secret not in repr(stored)


async def test_the_first_key_is_made_once_and_may_do_everything(gateway: Gateway) -> None:
    bootstrap_admin_key(gateway.api_keys, ADMIN_SECRET, gateway.clock)

    (key,) = (await gateway.http.get(KEYS)).json()["items"]

    assert (key["name"], key["scopes"]) == ("admin", ["admin"])


async def test_a_key_tells_when_it_was_used_last(gateway: Gateway) -> None:
    answer = await gateway.http.post(KEYS, json={"name": "reader", "scopes": ["sessions:read"]})
    gateway.clock.go_on(3600)

    await gateway.caller(answer.json()["secret"]).get("/v1/sessions")

    keys = {key["name"]: key for key in (await gateway.http.get(KEYS)).json()["items"]}
    assert answer.json()["key"]["last_used_at"] is None
    assert keys["reader"]["last_used_at"] == "2026-01-01T13:00:00Z"


async def test_a_rotated_key_goes_on_for_the_overlap(gateway: Gateway) -> None:
    made = (await gateway.http.post(KEYS, json={"name": "shop", "scopes": ["sessions:read"]})).json()
    old = gateway.caller(made["secret"])

    rotated = await gateway.http.post(f"{KEYS}/{made['key']['id']}/rotate", json={"overlap_seconds": 60})

    new = gateway.caller(rotated.json()["secret"])
    both = [(await caller.get("/v1/sessions")).status_code for caller in (old, new)]
    gateway.clock.go_on(60)
    later = [(await caller.get("/v1/sessions")).status_code for caller in (old, new)]
    assert rotated.status_code == 201
    assert rotated.json()["key"]["scopes"] == ["sessions:read"]
    assert (both, later) == ([200, 200], [401, 200])


async def test_a_rotation_does_not_lengthen_a_life(gateway: Gateway) -> None:
    expires_at = gateway.clock.now() + timedelta(seconds=30)
    body = {"name": "shop", "scopes": ["sessions:read"], "expires_at": expires_at.isoformat()}
    made = (await gateway.http.post(KEYS, json=body)).json()

    rotated = await gateway.http.post(f"{KEYS}/{made['key']['id']}/rotate", json={})

    gateway.clock.go_on(30)
    callers = [gateway.caller(secret) for secret in (made["secret"], rotated.json()["secret"])]
    assert [(await caller.get("/v1/sessions")).status_code for caller in callers] == [401, 401]


async def test_a_deleted_key_is_void_at_once(gateway: Gateway) -> None:
    made = (await gateway.http.post(KEYS, json={"name": "shop", "scopes": ["sessions:read"]})).json()

    deleted = await gateway.http.delete(f"{KEYS}/{made['key']['id']}")

    answer = await gateway.caller(made["secret"]).get("/v1/sessions")
    assert deleted.status_code == 204
    assert (answer.status_code, answer.json()["code"]) == (401, "key_invalid")


async def test_nobody_deletes_the_key_that_asks(gateway: Gateway) -> None:
    (own,) = (await gateway.http.get(KEYS)).json()["items"]

    answer = await gateway.http.delete(f"{KEYS}/{own['id']}")

    assert (answer.status_code, answer.json()["code"]) == (409, "own_key")


async def test_a_key_that_does_not_exist_is_a_problem(gateway: Gateway) -> None:
    deleted = await gateway.http.delete(f"{KEYS}/key_0")
    rotated = await gateway.http.post(f"{KEYS}/key_0/rotate", json={})

    assert {answer.json()["code"] for answer in (deleted, rotated)} == {"no_such_key"}


async def test_an_admin_key_cannot_be_restricted(gateway: Gateway) -> None:
    body = {"name": "odd", "scopes": ["admin"], "sessions": ["support"]}

    answer = await gateway.http.post(KEYS, json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "admin_not_restrictable")
