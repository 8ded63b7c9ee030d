"""Who may do what: a walk over every route, and keys that are missing, small, restricted or old."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from litestar.routes import HTTPRoute

from control_plane.auth import OPEN_ROUTES
from infra.aws.clients import AwsSettings, Clients
from infra.contract.api_keys import Scope
from infra.contract.ids import SessionId
from infra.contract.session import Desired, Session, SessionStatus
from tests.api.gateway import SUPPORT, Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE = {"to": "+14155550101", "text": "Hello"}


def _routes() -> Iterator[tuple[str, str, Scope | None]]:
    """Give the method, path and scope of every route; none for those on the named list."""
    app = Gateway(Clients(AwsSettings()), "any").app
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        path = route.path_format.replace("{session_id}", SUPPORT).replace("{key_id}", "key_1")
        path = path.replace("{message_id}", "o_1")
        for method, (handler, _) in route.route_handler_map.items():
            if method != "OPTIONS":
                yield method, path, None if route.path_format in OPEN_ROUTES else handler.opt["scope"]


ROUTES = list(_routes())
GUARDED = [(method, path, scope) for method, path, scope in ROUTES if scope is not None]


def session_exists(gateway: Gateway) -> None:
    """See to it that there is the session `exists`."""
    session = Session(
        id=SessionId("exists"),
        created_at=gateway.clock.now(),
        desired=Desired.STOPPED,
        status=SessionStatus.CREATED,
    )
    gateway.sessions.create(session)


def test_the_open_routes_are_those_that_tell_nothing_of_anybody() -> None:
    open_routes = {path.split("/{")[0] for _method, path, scope in ROUTES if scope is None}

    assert open_routes == {"/health", "/ready", "/api-docs", "/api-docs/openapi.json", "/api-docs/assets"}


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
async def test_every_other_route_needs_a_key(
    walked_gateway: Gateway, method: str, path: str, scope: Scope
) -> None:
    answer = await walked_gateway.caller(None).request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (401, "key_missing")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
async def test_every_other_route_needs_its_scope(
    walked_gateway: Gateway, method: str, path: str, scope: Scope
) -> None:
    too_small = await walked_gateway.key(*(each for each in Scope if each not in (scope, Scope.ADMIN)))

    answer = await walked_gateway.caller(too_small).request(method, path)

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert scope in answer.json()["detail"]


@pytest.mark.parametrize(("method", "path", "scope"), [each for each in GUARDED if f"/{SUPPORT}" in each[1]])
async def test_a_key_for_another_session_cannot_tell_whether_this_one_exists(
    walked_gateway: Gateway, method: str, path: str, scope: Scope
) -> None:
    session_exists(walked_gateway)
    elsewhere = walked_gateway.caller(await walked_gateway.key(scope, sessions=["other"]))

    existing = await elsewhere.request(method, path.replace(SUPPORT, "exists"))
    missing = await elsewhere.request(method, path)

    assert (existing.status_code, existing.json()["code"]) == (403, "session_not_allowed")
    assert (missing.status_code, missing.json()) == (existing.status_code, existing.json())


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer roost_nobody-knows-this-one", "key_invalid"),
        ("Bearer ", "key_missing"),
        ("Basic cm9vc3Q6cm9vc3Q=", "key_missing"),
        ("roost_no-scheme", "key_missing"),
    ],
)
async def test_what_is_no_key_is_refused(walked_gateway: Gateway, header: str, code: str) -> None:
    answer = await walked_gateway.caller(None).get("/v1/sessions", headers={"Authorization": header})

    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert "roost_n" not in answer.text


async def test_a_key_works_until_it_expires(gateway: Gateway) -> None:
    expires_at = gateway.clock.now() + timedelta(hours=1)
    caller = gateway.caller(await gateway.key("sessions:read", expires_at=expires_at.isoformat()))

    before = await caller.get("/v1/sessions")
    gateway.clock.go_on(3600)
    after = await caller.get("/v1/sessions")

    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (401, "key_expired")


async def test_a_restricted_key_lists_its_sessions_alone_and_in_pages(gateway: Gateway) -> None:
    for name in ("a", "b", "c", "d"):
        await gateway.create(name, start=False)
    caller = gateway.caller(await gateway.key("sessions:read", sessions=["d", "b", "a", "gone"]))

    first = (await caller.get("/v1/sessions", params={"limit": 2})).json()
    second = (await caller.get("/v1/sessions", params={"cursor": first["next_cursor"]})).json()

    assert [item["id"] for item in first["items"]] == ["a", "b"]
    assert [item["id"] for item in second["items"]] == ["d"]
    assert second["next_cursor"] is None


async def test_a_restricted_key_creates_its_own_sessions_alone(gateway: Gateway) -> None:
    caller = gateway.caller(await gateway.key("sessions:write", sessions=["mine"]))

    mine = await caller.post("/v1/sessions", json={"id": "mine"})
    other = await caller.post("/v1/sessions", json={"id": "other"})
    unnamed = await caller.post("/v1/sessions", json={})

    assert mine.status_code == 201
    assert {answer.json()["code"] for answer in (other, unnamed)} == {"session_not_allowed"}


async def test_a_session_id_with_a_line_break_is_no_id(gateway: Gateway) -> None:
    answer = await gateway.http.get("/v1/sessions/support%0A")

    assert (answer.status_code, answer.json()["field"]) == (400, "session_id")


async def test_a_key_for_sending_sends(gateway: Gateway) -> None:
    await gateway.linked()
    caller = gateway.caller(await gateway.key("messages:send", sessions=[SUPPORT]))

    answer = await caller.post("/v1/sessions/support/messages", json=MESSAGE)

    assert answer.status_code == 202
