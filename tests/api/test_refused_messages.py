"""To whom and from where messages are accepted, and everything for which one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from control_plane.settings import Settings
from infra.contract.session import SessionStatus
from tests.api.conftest import ADMIN_SECRET
from tests.api.gateway import Gateway

if TYPE_CHECKING:
    from infra.aws.clients import Clients
from tests.api.sending import BOB, MESSAGES, send


@pytest.mark.parametrize(
    ("to", "jid"),
    [
        ("+1 (415) 555-0101", "14155550101@s.whatsapp.net"),
        ("14155550101", "14155550101@s.whatsapp.net"),
        ("+49 (0)171 1234567", "491711234567@s.whatsapp.net"),
        ("14155550101@s.whatsapp.net", "14155550101@s.whatsapp.net"),
        ("83471112233@lid", "83471112233@lid"),
        ("120363025000000000@g.us", "120363025000000000@g.us"),
    ],
)
async def test_a_recipient_may_be_written_in_any_usual_way(gateway: Gateway, to: str, jid: str) -> None:
    await gateway.linked()

    answer = await gateway.http.post(MESSAGES, json={"to": to, "text": "Hello"})

    assert (answer.status_code, answer.json()["to"]) == (202, jid)


@pytest.mark.parametrize(
    "to",
    [
        "hello",
        "0171 1234567",
        "+1 415",
        "someone@example.com",
        "a b@s.whatsapp.net",
        "14155550101:3@s.whatsapp.net",
        "status@broadcast",
        "@g.us",
    ],
)
async def test_what_is_no_recipient_is_refused_by_its_field(gateway: Gateway, to: str) -> None:
    await gateway.linked()

    answer = await gateway.http.post(MESSAGES, json={"to": to, "text": "Hello"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_recipient")
    assert answer.json()["field"] == "to"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": f"+{BOB}"}, "text"),
        ({"to": f"+{BOB}", "text": "a", "image": "b"}, "image"),
        ({"to": f"+{BOB}", "text": ""}, "text"),
        ({"text": "Hello"}, "to"),
    ],
)
async def test_a_message_says_one_thing_to_somebody(
    gateway: Gateway, body: dict[str, Any], field: str
) -> None:
    await gateway.linked()

    answer = await gateway.http.post(MESSAGES, json=body)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


async def test_a_body_that_is_too_large_is_refused(gateway: Gateway) -> None:
    answer = await gateway.http.post(MESSAGES, content=b"x" * (1 << 21))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_session_that_cannot_send_says_why(gateway: Gateway) -> None:
    await gateway.create()
    unlinked = await send(gateway)
    gateway.report(SessionStatus.LOGGED_OUT)
    logged_out = await send(gateway)
    await gateway.http.post("/v1/sessions/support/stop")
    stopped = await send(gateway)
    missing = await gateway.http.post("/v1/sessions/nobody/messages", json={"to": f"+{BOB}", "text": "Hello"})

    codes = [answer.json()["code"] for answer in (unlinked, logged_out, stopped, missing)]
    assert codes == ["session_not_linked", "session_logged_out", "session_stopped", "no_such_session"]


async def test_a_disconnected_session_takes_messages_all_the_same(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.report(SessionStatus.DISCONNECTED)

    answer = await send(gateway)

    assert answer.status_code == 202


async def test_a_full_backlog_is_refused_until_it_is_sent(clients: Clients, gateway: Gateway) -> None:
    await gateway.linked()
    small = Gateway(clients, ADMIN_SECRET, settings=Settings(backlog_limit=2))

    answers = [await send(small) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "backlog_full"
    assert answers[2].headers["retry-after"] == "10"
