"""Messages: accept, wait, repeat, list, cancel; and everything for which one is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from control_plane.settings import Settings
from infra.contract.ids import InboundRef, OutboundRef
from infra.contract.jid import Jid
from infra.contract.message import Inbound, Text, Unsupported
from infra.contract.queues import NudgeReason
from infra.contract.session import SessionStatus
from tests.api.conftest import ADMIN_SECRET
from tests.api.gateway import FENCE, SUPPORT, Gateway

if TYPE_CHECKING:
    import httpx

    from infra.aws.clients import Clients
    from infra.contract.message import InboundContent

MESSAGES = "/v1/sessions/support/messages"
BOB = "14155550101"


async def send(gateway: Gateway, text: str = "Hello", **headers: str) -> httpx.Response:
    """Post a text to Bob."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.post(MESSAGES, json={"to": f"+{BOB}", "text": text}, headers=named)


def mark_sent(gateway: Gateway, seq: int = 1) -> None:
    """Send as the session's connector does."""
    (message,) = [each for each in gateway.outbox.pending(SUPPORT, after=seq - 1) if each.ref.seq == seq]
    assert gateway.outbox.mark_sending(message, fence=FENCE) is not None
    gateway.outbox.mark_sent(SUPPORT, message.ref, wa_id="3EB0AA", at=gateway.clock.now(), fence=FENCE)


def receive(gateway: Gateway, content: InboundContent, *, wa_id: str = "3EB0BB") -> None:
    """Store a message from Bob as the consumer of events does."""
    at = gateway.clock.now()
    bob = Jid.phone_number(BOB)
    ref = InboundRef(int(at.timestamp() * 1000), wa_id)
    gateway.messages.store_inbound(Inbound(SUPPORT, ref, bob, bob, content, at))


async def test_an_accepted_message_is_queued_located_and_nudged(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.nudges()

    answer = await send(gateway)

    message = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{MESSAGES}/o_1"
    assert (message["id"], message["direction"], message["status"]) == ("o_1", "outbound", "queued")
    assert (message["to"], message["text"]) == (f"{BOB}@s.whatsapp.net", "Hello")
    assert (await gateway.http.get(answer.headers["location"])).json() == message
    assert [nudge.reason for nudge in gateway.nudges()] == [NudgeReason.SEND]


async def test_messages_are_placed_in_the_order_of_their_acceptance(gateway: Gateway) -> None:
    await gateway.linked()

    for number in range(5):
        await send(gateway, str(number))

    pending = gateway.outbox.pending(SUPPORT, after=0)
    assert [message.content for message in pending] == [Text(str(number)) for number in range(5)]


async def test_a_wait_ends_when_the_message_is_sent(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.meanwhile = lambda: mark_sent(gateway)

    answer = await send(gateway, Prefer="wait=10")

    assert (answer.status_code, answer.json()["status"]) == (202, "sent")
    assert answer.headers["preference-applied"] == "wait=10"
    assert len(gateway.pauses) == 1


async def test_a_wait_ends_when_its_time_is_over(gateway: Gateway) -> None:
    await gateway.linked()

    answer = await send(gateway, Prefer="wait=100")

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert answer.headers["preference-applied"] == "wait=25"
    assert gateway.clock.monotonic() == pytest.approx(25)


async def test_the_same_key_and_body_give_the_first_message_again(gateway: Gateway) -> None:
    await gateway.linked()

    first = await send(gateway, Idempotency_Key="order-1")
    second = await send(gateway, Idempotency_Key="order-1")

    assert (second.status_code, second.json()["id"]) == (202, first.json()["id"])
    assert second.headers["location"] == first.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"


async def test_the_same_recipient_in_another_writing_is_the_same_body(gateway: Gateway) -> None:
    await gateway.linked()
    key = {"Idempotency-Key": "order-1"}

    first = await gateway.http.post(MESSAGES, json={"to": "+1 415 555 0101", "text": "Hello"}, headers=key)
    second = await gateway.http.post(
        MESSAGES, json={"text": "Hello", "to": f"{BOB}@s.whatsapp.net"}, headers=key
    )

    assert second.json()["id"] == first.json()["id"]


async def test_the_same_key_with_another_body_is_refused(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway, "Hello", Idempotency_Key="order-1")

    answer = await send(gateway, "Goodbye", Idempotency_Key="order-1")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert len(gateway.outbox.pending(SUPPORT, after=0)) == 1


async def test_a_key_gives_its_message_though_the_session_is_stopped_by_now(gateway: Gateway) -> None:
    await gateway.linked()
    first = await send(gateway, Idempotency_Key="order-1")
    await gateway.http.post("/v1/sessions/support/stop")

    again = await send(gateway, Idempotency_Key="order-1")

    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])


async def test_twenty_at_once_with_one_key_are_one_message(gateway: Gateway) -> None:
    await gateway.linked()

    answers = await asyncio.gather(*(send(gateway, Idempotency_Key="order-1") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(gateway.outbox.pending(SUPPORT, after=0)) == 1


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


async def test_both_directions_are_listed_the_newest_first(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway, "first")
    gateway.clock.go_on(1)
    receive(gateway, Text("second"))
    gateway.clock.go_on(1)
    await send(gateway, "third")

    page = (await gateway.http.get(MESSAGES, params={"limit": 2})).json()
    rest = (await gateway.http.get(MESSAGES, params={"cursor": page["next_cursor"]})).json()

    assert [item["text"] for item in page["items"]] == ["third", "second"]
    assert [item["direction"] for item in page["items"]] == ["outbound", "inbound"]
    assert [item["text"] for item in rest["items"]] == ["first"]


async def test_a_chat_can_be_listed_by_its_number(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway, "to Bob")
    await gateway.http.post(MESSAGES, json={"to": "+14155550102", "text": "to Cyd"})

    page = (await gateway.http.get(MESSAGES, params={"chat": "+1 415 555 0102"})).json()
    wrong = await gateway.http.get(MESSAGES, params={"chat": "hello"})

    assert [item["text"] for item in page["items"]] == ["to Cyd"]
    assert (wrong.status_code, wrong.json()["field"]) == (422, "chat")


async def test_what_cannot_be_read_yet_says_what_it_is(gateway: Gateway) -> None:
    await gateway.linked()
    receive(gateway, Unsupported("stickerMessage"))

    (message,) = (await gateway.http.get(MESSAGES)).json()["items"]
    shown = (await gateway.http.get(f"{MESSAGES}/{message['id']}")).json()

    assert shown["unsupported"] == {"kind": "stickerMessage"}
    assert "text" not in shown


async def test_a_queued_message_can_be_cancelled_and_stays_on_record(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway)
    gateway.nudges()

    answer = await gateway.http.delete(f"{MESSAGES}/o_1")

    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert gateway.outbox.pending(SUPPORT, after=0) == []
    assert [nudge.reason for nudge in gateway.nudges()] == [NudgeReason.CANCEL]


async def test_what_was_sent_or_received_cannot_be_cancelled(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway)
    mark_sent(gateway)

    sent = await gateway.http.delete(f"{MESSAGES}/o_1")
    received = await gateway.http.delete(f"{MESSAGES}/i_1767225600000_3EB0BB")

    assert (sent.status_code, sent.json()["code"], sent.json()["detail"]) == (
        409,
        "not_cancellable",
        "it is sent",
    )
    assert received.json()["code"] == "not_cancellable"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_message_that_does_not_exist_is_a_problem(gateway: Gateway, method: str) -> None:
    await gateway.linked()

    missing = await gateway.http.request(method, f"{MESSAGES}/o_99")
    impossible = await gateway.http.request(method, f"{MESSAGES}/99")

    assert (missing.status_code, missing.json()["code"]) == (404, "no_such_message")
    assert (impossible.status_code, impossible.json()["field"]) == (400, "message_id")


async def test_a_message_expires_a_day_after_it_was_accepted(gateway: Gateway) -> None:
    await gateway.linked()

    await send(gateway)

    message = gateway.outbox.pending(SUPPORT, after=0)[0]
    assert message.ref == OutboundRef(1)
    assert message.expires_at - message.accepted_at == timedelta(hours=24)
    assert len(message.secret) == 32
