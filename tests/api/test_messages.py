"""Messages: accept, wait, list, cancel."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.contract.ids import OutboundRef
from infra.contract.message import OnUnknown, Text, Unsupported
from infra.contract.queues import NudgeReason
from tests.api.gateway import SUPPORT, Gateway
from tests.api.sending import BOB, MESSAGES, mark_sent, receive, send


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


async def test_what_becomes_of_a_message_in_doubt_is_chosen_with_it(gateway: Gateway) -> None:
    await gateway.linked()

    usual = await send(gateway)
    chosen = await gateway.http.post(MESSAGES, json={"to": BOB, "text": "Hi", "on_unknown": "resend"})
    wrong = await gateway.http.post(MESSAGES, json={"to": BOB, "text": "Hi", "on_unknown": "retry"})

    pending = gateway.outbox.pending(SUPPORT, after=0)
    assert [message.on_unknown for message in pending] == [OnUnknown.FAIL, OnUnknown.RESEND]
    assert (usual.json()["on_unknown"], chosen.json()["on_unknown"]) == ("fail", "resend")
    assert wrong.status_code == 400


async def test_a_message_whose_time_is_over_is_expired_though_no_connector_noted_it(gateway: Gateway) -> None:
    await gateway.linked()
    await send(gateway)
    gateway.clock.go_on(timedelta(hours=24).total_seconds())

    shown = await gateway.http.get(f"{MESSAGES}/o_1")
    listed = await gateway.http.get(MESSAGES)
    cancelled = await gateway.http.delete(f"{MESSAGES}/o_1")

    assert shown.json()["status"] == "expired"
    assert [item["status"] for item in listed.json()["items"]] == ["expired"]
    assert (cancelled.status_code, cancelled.json()["detail"]) == (409, "it is expired")


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "order-1"}])
async def test_a_request_that_hung_until_its_place_was_closed_takes_the_next(
    gateway: Gateway, key: dict[str, str]
) -> None:
    await gateway.linked()
    gateway.outbox.close(SUPPORT, [1], now=gateway.clock.now())

    answer = await gateway.http.post(MESSAGES, json={"to": BOB, "text": "Hi"}, headers=key)

    assert (answer.status_code, answer.json()["id"]) == (202, "o_2")
    assert [message.ref for message in gateway.outbox.pending(SUPPORT, after=0)] == [OutboundRef(2)]


async def test_a_request_whose_places_are_all_closed_promises_nothing(gateway: Gateway) -> None:
    await gateway.linked()
    gateway.outbox.close(SUPPORT, [1, 2, 3], now=gateway.clock.now())

    answer = await send(gateway)

    assert (answer.status_code, answer.json()["code"]) == (503, "storage_busy")
    assert gateway.outbox.pending(SUPPORT, after=0) == []
