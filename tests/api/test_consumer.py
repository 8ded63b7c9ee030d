"""Events: stored once, moved forward only, in whatever order they come."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from control_plane.consumer import SETTLES_WITHIN, EventConsumer, ReceiptTooEarlyError
from infra.contract.ids import OutboundRef
from infra.contract.jid import Jid
from infra.contract.message import Inbound, Outbound, OutboundStatus, Text
from infra.contract.queues import BadQueueMessageError, MessageReceived, ReceiptReceived, encode
from tests.api.gateway import FENCE, SUPPORT

if TYPE_CHECKING:
    from tests.api.gateway import Gateway

BOB = Jid.phone_number("14155550101")
WA_ID = "3EB0AA"
FIRST = OutboundRef(1)


@pytest.fixture
def consumer(gateway: Gateway) -> EventConsumer:
    """A consumer whose pauses let the gateway's time pass."""
    return EventConsumer(gateway.sessions, gateway.messages, clock=gateway.clock, sleep=gateway.clock.go_on)


def a_text(gateway: Gateway, *, maybe_known: bool = False) -> str:
    """Build the event of a text from Bob."""
    at, text = gateway.clock.now(), Text("Hi")
    return encode(
        MessageReceived(SUPPORT, "3EB0BB", BOB, BOB, text, at, "14155550101", "Bob", maybe_known=maybe_known)
    )


def a_receipt(gateway: Gateway, status: OutboundStatus, *wa_ids: str) -> str:
    """Build the event of a receipt of now."""
    return encode(ReceiptReceived(SUPPORT, wa_ids or (WA_ID,), status, gateway.clock.now()))


async def a_sent_message(gateway: Gateway) -> None:
    """Send a message, as WhatsApp's WA_ID."""
    await gateway.linked()
    await gateway.http.post("/v1/sessions/support/messages", json={"to": str(BOB), "text": "Hello"})
    mark_sent(gateway)


def mark_sent(gateway: Gateway) -> None:
    """Record the first message as sent, as its connector does."""
    (message,) = gateway.outbox.pending(SUPPORT, after=0)
    gateway.outbox.mark_sending(message, fence=FENCE)
    gateway.outbox.mark_sent(SUPPORT, FIRST, wa_id=WA_ID, at=gateway.clock.now(), fence=FENCE)


def status_of(gateway: Gateway) -> OutboundStatus:
    """Give the status of the first message."""
    message = gateway.messages.find(SUPPORT, FIRST, consistent=True)
    assert isinstance(message, Outbound)
    return message.status


async def test_a_received_message_is_stored_once_however_often_it_comes(
    gateway: Gateway, consumer: EventConsumer
) -> None:
    await gateway.linked()
    event = a_text(gateway)

    for _ in range(3):
        consumer.consume(event)

    (message,) = gateway.messages.list(SUPPORT).items
    assert isinstance(message, Inbound)
    assert (message.content, message.push_name, message.chat) == (Text("Hi"), "Bob", BOB)


async def test_a_message_that_whatsapp_delivered_again_with_another_time_is_stored_once(
    gateway: Gateway, consumer: EventConsumer
) -> None:
    await gateway.linked()
    consumer.consume(a_text(gateway))
    gateway.clock.go_on(10)

    consumer.consume(a_text(gateway, maybe_known=True))

    assert len(gateway.messages.list(SUPPORT).items) == 1


async def test_a_message_that_might_be_known_and_is_not_is_stored(
    gateway: Gateway, consumer: EventConsumer
) -> None:
    await gateway.linked()

    consumer.consume(a_text(gateway, maybe_known=True))

    assert len(gateway.messages.list(SUPPORT).items) == 1


async def test_a_message_for_a_deleted_session_is_dropped(gateway: Gateway, consumer: EventConsumer) -> None:
    consumer.consume(a_text(gateway))

    assert gateway.messages.list(SUPPORT).items == []


RECEIPTS = (OutboundStatus.DELIVERED, OutboundStatus.READ, OutboundStatus.PLAYED)


@pytest.mark.parametrize("order", list(itertools.permutations(RECEIPTS)))
async def test_receipts_in_any_order_and_twice_end_the_same(
    gateway: Gateway, consumer: EventConsumer, order: tuple[OutboundStatus, ...]
) -> None:
    await a_sent_message(gateway)

    for status in (*order, *order):
        consumer.consume(a_receipt(gateway, status))

    assert status_of(gateway) is OutboundStatus.PLAYED


async def test_a_receipt_that_is_faster_than_the_record_of_its_message_waits_for_it(gateway: Gateway) -> None:
    await gateway.linked()
    await gateway.http.post("/v1/sessions/support/messages", json={"to": str(BOB), "text": "Hello"})
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            mark_sent(gateway)

    consumer = EventConsumer(gateway.sessions, gateway.messages, clock=gateway.clock, sleep=sleep)

    consumer.consume(a_receipt(gateway, OutboundStatus.READ))

    assert (status_of(gateway), len(pauses)) == (OutboundStatus.READ, 2)


async def test_a_receipt_much_too_early_comes_again_and_those_beside_it_are_done(
    gateway: Gateway, consumer: EventConsumer
) -> None:
    await a_sent_message(gateway)

    with pytest.raises(ReceiptTooEarlyError):
        consumer.consume(a_receipt(gateway, OutboundStatus.READ, "3EB0FF", WA_ID))

    assert status_of(gateway) is OutboundStatus.READ


async def test_an_old_receipt_for_no_message_of_ours_is_the_phones_own(
    gateway: Gateway, consumer: EventConsumer
) -> None:
    event = a_receipt(gateway, OutboundStatus.READ)
    gateway.clock.go_on(SETTLES_WITHIN / timedelta(seconds=1))

    consumer.consume(event)


@pytest.mark.parametrize(
    "body", ["", "{}", "not JSON", '{"type": "of_tomorrow"}', '{"type": "message_received"}']
)
def test_what_is_no_event_is_refused(consumer: EventConsumer, body: str) -> None:
    with pytest.raises(BadQueueMessageError):
        consumer.consume(body)
