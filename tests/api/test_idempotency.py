"""The Idempotency-Key: one message, however often it is posted."""

from __future__ import annotations

import asyncio

from tests.api.gateway import SUPPORT, Gateway
from tests.api.sending import BOB, MESSAGES, send


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
