"""The main job from end to end: link, send, receive, restart, log out. In order, and once each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from infra.local.gateway import GatewayError
from infra.local.linking import until_connected
from tests.system.conftest import eventually, link, spoken_to

if TYPE_CHECKING:
    from infra.local.gateway import Gateway
    from tests.system.conftest import StackProcess

ADA, BOB, CYD = "14155550100", "14155550101", "14155550102"
pytestmark = pytest.mark.timeout(300)


async def inbound(gateway: Gateway, session_id: str) -> list[dict[str, Any]]:
    """Give what a session received."""
    return [each for each in await gateway.messages(session_id) if each["direction"] == "inbound"]


async def test_a_linked_session_sends_receives_comes_back_without_a_qr_and_logs_out(
    own_stack: StackProcess,
) -> None:
    async with spoken_to(own_stack) as (gateway, phones):
        await phones.buy(BOB, "Bob")
        await link(gateway, phones, "ada", ADA)
        assert (await gateway.session("ada"))["phone_number"] == ADA

        sent = await gateway.send("ada", "+1 (415) 555-0101", "Hello Bob ☕", wait=20)
        [read] = await phones.texts(BOB, 1)
        await phones.read(BOB, read["id"])

        assert sent["status"] in {"sent", "delivered"}  # the receipt may be as quick as the answer
        assert (read["text"], read["sender"]) == ("Hello Bob ☕", ADA)
        seen = await eventually(
            lambda: gateway.message("ada", sent["id"]), lambda message: message["status"] == "read"
        )
        assert None not in (seen["sent_at"], seen["delivered_at"], seen["read_at"])

        await phones.write(BOB, ADA, "Hello Ada")
        [answer] = await eventually(lambda: inbound(gateway, "ada"), lambda found: len(found) > 0)
        assert (answer["text"], answer["sender_number"], answer["push_name"]) == ("Hello Ada", BOB, "Bob")

    assert own_stack.stop() == 0
    own_stack.start()

    async with spoken_to(own_stack) as (gateway, phones):
        async with asyncio.timeout(30):
            await until_connected(gateway, "ada")
        with pytest.raises(GatewayError, match="linked"):
            await gateway.qr("ada")
        await gateway.send("ada", BOB, "Still here", wait=20)
        assert [each["text"] for each in await phones.texts(BOB, 2)] == ["Hello Bob ☕", "Still here"]
        assert own_stack.auth_blobs()

        await gateway.order("ada", "logout")

        ended = await eventually(
            lambda: gateway.session("ada"), lambda session: session["status"] == "logged_out"
        )
        assert ended["linked"] is False
        assert own_stack.auth_blobs() == []


async def test_a_kill_of_everything_loses_neither_link_nor_messages_and_doubles_nothing(
    own_stack: StackProcess,
) -> None:
    before = {f"before {number}" for number in range(5)}
    async with spoken_to(own_stack) as (gateway, phones):
        await phones.buy(BOB, "Bob")
        await link(gateway, phones, "ada", ADA)
        for text in before:
            await gateway.send("ada", BOB, text, wait=20)
    own_stack.kill()
    own_stack.start()

    async with spoken_to(own_stack) as (gateway, phones):
        assert {each["text"] for each in await gateway.messages("ada")} == before
        await gateway.send("ada", BOB, "after")

        received = await eventually(
            lambda: phones.received(BOB),
            lambda found: bool(found) and found[-1]["text"] == "after",
            within=60,
        )
        # the phones are killed too, and may forget what they received in the last quarter of a second
        texts = [each["text"] for each in received]
        assert len(texts) == len(set(texts))
        assert set(texts) <= before | {"after"}


async def test_a_thousand_messages_arrive_in_order_once_each(stack: StackProcess) -> None:
    texts = [f"number {number}" for number in range(1000)]
    async with spoken_to(stack) as (gateway, phones):
        await phones.buy(BOB, "Bob")
        await link(gateway, phones, "thousand", ADA)

        for text in texts:
            await gateway.send("thousand", BOB, text)

        received = await phones.texts(BOB, len(texts), within=120)
        assert [each["text"] for each in received] == texts
        assert not any(each["duplicate_counter"] for each in received)


async def test_one_idempotency_key_from_20_parallel_requests_sends_once(stack: StackProcess) -> None:
    async with spoken_to(stack) as (gateway, phones):
        dan = "14155550103"
        await phones.buy(dan, "Dan")
        await link(gateway, phones, "once", CYD)

        answers = await asyncio.gather(
            *(gateway.send("once", dan, "only once", idempotency_key="the-key") for _ in range(20))
        )
        await gateway.send("once", dan, "the end", wait=20)

        assert len({answer["id"] for answer in answers}) == 1
        assert [each["text"] for each in await phones.texts(dan, 2)] == ["only once", "the end"]
        with pytest.raises(GatewayError) as refused:
            await gateway.send("once", dan, "another text", idempotency_key="the-key")
        assert refused.value.code == "idempotency_key_reused"
