"""Sessions: create, list, show, change, start, stop, log out, delete."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.contract.calls import Done, Refused
from infra.contract.queues import NudgeReason
from infra.contract.session import DisconnectReason, Restriction, SessionStatus
from tests.api.gateway import FENCE, NUMBER, SUPPORT

if TYPE_CHECKING:
    from tests.api.gateway import Gateway


async def test_a_new_session_starts_at_once_and_its_shard_is_nudged(gateway: Gateway) -> None:
    answer = await gateway.http.post(
        "/v1/sessions", json={"id": SUPPORT, "name": "Support desk", "metadata": {"customer": "4711"}}
    )

    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/sessions/support"
    created = answer.json()
    assert (created["status"], created["desired"], created["linked"]) == ("starting", "running", False)
    assert (created["name"], created["metadata"]) == ("Support desk", {"customer": "4711"})
    assert [(nudge.session_id, nudge.reason) for nudge in gateway.nudges()] == [
        (SUPPORT, NudgeReason.DESIRED_CHANGED)
    ]


async def test_a_session_that_shall_not_start_is_created_and_nobody_is_nudged(gateway: Gateway) -> None:
    created = await gateway.create(start=False)

    assert (created["status"], created["desired"]) == ("created", "stopped")
    assert gateway.nudges() == []


async def test_an_id_is_made_when_none_is_given(gateway: Gateway) -> None:
    answer = await gateway.http.post("/v1/sessions", json={})

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/sessions/{answer.json()['id']}"


async def test_an_id_is_given_once_and_its_case_counts(gateway: Gateway) -> None:
    await gateway.create("support")

    again = await gateway.http.post("/v1/sessions", json={"id": "support"})
    other_case = await gateway.http.post("/v1/sessions", json={"id": "Support"})

    assert (again.status_code, again.json()["code"], again.json()["field"]) == (409, "session_exists", "id")
    assert other_case.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "-a"}, "id"),
        ({"id": "a" * 65}, "id"),
        ({"id": "a\n"}, "id"),
        ({"name": ""}, "name"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"metadata": {"": "a"}}, "metadata"),
        ({"start": "yes"}, "start"),
        ({"nmae": "Support"}, "nmae"),
        ([], None),
    ],
)
async def test_a_wrong_body_is_refused_and_the_field_is_named(
    gateway: Gateway, body: object, field: str | None
) -> None:
    answer = await gateway.http.post("/v1/sessions", json=body)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert answer.json().get("field") == field


async def test_sessions_come_in_pages_by_id(gateway: Gateway) -> None:
    for name in ("c", "a", "b"):
        await gateway.create(name)

    first = (await gateway.http.get("/v1/sessions", params={"limit": 2})).json()
    second = (await gateway.http.get("/v1/sessions", params={"cursor": first["next_cursor"]})).json()

    assert [item["id"] for item in first["items"]] == ["a", "b"]
    assert [item["id"] for item in second["items"]] == ["c"]
    assert second["next_cursor"] is None


async def test_sessions_can_be_listed_by_status(gateway: Gateway) -> None:
    await gateway.create("a", start=False)
    await gateway.create("b")

    listed = (await gateway.http.get("/v1/sessions", params={"status": "created"})).json()

    assert [item["id"] for item in listed["items"]] == ["a"]


async def test_a_cursor_that_no_page_gave_is_refused(gateway: Gateway) -> None:
    answer = await gateway.http.get("/v1/sessions", params={"cursor": "bm90IG91cnM"})

    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


async def test_a_session_tells_its_phone_and_its_last_disconnect(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.report(
        SessionStatus.DISCONNECTED,
        reason=DisconnectReason.NETWORK,
        disconnected_at=gateway.clock.now(),
        reconnect_attempts=3,
        retry_at=gateway.clock.now(),
    )

    shown = (await gateway.http.get("/v1/sessions/support")).json()

    assert (shown["status"], shown["phone_number"], shown["push_name"]) == ("disconnected", NUMBER, "Ada")
    assert shown["last_disconnect"] == {"reason": "network", "at": "2026-01-01T12:00:00Z"}
    assert (shown["reconnect_attempts"], shown["retry_at"]) == (3, "2026-01-01T12:00:00Z")


async def test_a_change_leaves_what_it_does_not_name(gateway: Gateway) -> None:
    await gateway.create(name="Support", metadata={"a": "1"})

    changed = (await gateway.http.patch("/v1/sessions/support", json={"metadata": {"b": "2"}})).json()
    unnamed = (await gateway.http.patch("/v1/sessions/support", json={"name": None})).json()

    assert (changed["name"], changed["metadata"]) == ("Support", {"b": "2"})
    assert (unnamed["name"], unnamed["metadata"]) == (None, {"b": "2"})


async def test_stop_and_start_are_answered_at_once_and_nudged(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.nudges()

    stopped = (await gateway.http.post("/v1/sessions/support/stop")).json()
    started = (await gateway.http.post("/v1/sessions/support/start")).json()

    assert (stopped["status"], stopped["desired"]) == ("stopped", "stopped")
    assert (started["status"], started["desired"], started["linked"]) == ("starting", "running", True)
    assert [nudge.reason for nudge in gateway.nudges()] == [NudgeReason.DESIRED_CHANGED] * 2


async def test_logout_is_done_by_the_connector(gateway: Gateway) -> None:
    await gateway.linked()

    def unlink() -> None:
        gateway.report(SessionStatus.LOGGED_OUT, linked=False)
        gateway.answer(Done())

    gateway.meanwhile = unlink

    answer = await gateway.http.post("/v1/sessions/support/logout", headers={"Prefer": "wait=5"})

    assert (answer.status_code, answer.json()["status"]) == (200, "logged_out")
    assert answer.headers["preference-applied"] == "wait=5"
    assert gateway.nudges()[-1].reason is NudgeReason.CALL


async def test_logout_that_no_connector_answers_is_a_problem_after_ten_seconds(gateway: Gateway) -> None:
    await gateway.linked()

    answer = await gateway.http.post("/v1/sessions/support/logout")

    assert (answer.status_code, answer.json()["code"]) == (504, "connector_silent")
    assert gateway.clock.monotonic() == pytest.approx(10)


async def test_logout_that_the_connector_refuses_says_why(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.meanwhile = lambda: gateway.answer(Refused("session_not_ready"))

    answer = await gateway.http.post("/v1/sessions/support/logout")

    assert (answer.status_code, answer.json()["code"]) == (409, "session_not_ready")


async def test_logout_of_a_session_that_is_not_linked_or_stopped_is_refused(gateway: Gateway) -> None:
    await gateway.create("fresh")
    await gateway.linked("resting")
    await gateway.http.post("/v1/sessions/resting/stop")

    fresh = await gateway.http.post("/v1/sessions/fresh/logout")
    resting = await gateway.http.post("/v1/sessions/resting/logout")

    assert fresh.json()["code"] == "session_not_linked"
    assert resting.json()["code"] == "session_stopped"


async def test_a_deleted_session_is_logged_out_and_gone(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.meanwhile = lambda: gateway.answer(Done())

    deleted = await gateway.http.delete("/v1/sessions/support")

    assert (deleted.status_code, deleted.content) == (204, b"")
    assert gateway.sessions.find(SUPPORT) is None
    assert {nudge.reason for nudge in gateway.nudges()} == {NudgeReason.DESIRED_CHANGED, NudgeReason.CALL}


async def test_a_session_is_deleted_though_no_connector_answers(gateway: Gateway) -> None:
    await gateway.linked()

    deleted = await gateway.http.delete("/v1/sessions/support")

    assert deleted.status_code == 204
    assert gateway.sessions.find(SUPPORT) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/start"),
        ("POST", "/stop"),
        ("POST", "/logout"),
        ("GET", "/qr"),
        ("GET", "/messages"),
    ],
)
async def test_a_session_that_does_not_exist_is_a_problem(gateway: Gateway, method: str, path: str) -> None:
    body: object = {} if method == "PATCH" else None

    answer = await gateway.http.request(method, f"/v1/sessions/nobody{path}", json=body)

    assert (answer.status_code, answer.json()["code"]) == (404, "no_such_session")
    assert answer.json()["field"] == "session_id"


async def test_a_restriction_is_shown_until_a_start_lifts_it(gateway: Gateway) -> None:
    await gateway.linked()
    since, until = gateway.clock.now(), gateway.clock.now() + timedelta(hours=24)
    gateway.sessions.restrict(SUPPORT, Restriction("reach_out_restricted", since, until), fence=FENCE)

    restricted = (await gateway.http.get("/v1/sessions/support")).json()
    started = (await gateway.http.post("/v1/sessions/support/start")).json()

    assert restricted["restriction"] == {
        "code": "reach_out_restricted",
        "since": "2026-01-01T12:00:00Z",
        "until": "2026-01-02T12:00:00Z",
    }
    assert (started["restriction"], started["status"]) == (None, "connected")
