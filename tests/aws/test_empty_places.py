"""Places in the outbox that stayed empty, and messages that are put back or tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.aws.messages import Idempotency, Messages, PlaceTakenError
from infra.contract.ids import OutboundRef
from infra.contract.message import OutboundStatus
from tests.aws.builders import ADA, NOW, an_outbound
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients
    from infra.aws.outbox import Outbox

FIRST = OutboundRef(1)


@pytest.mark.parametrize("key", [None, Idempotency("order-17", "hash of the body")])
def test_a_message_that_comes_for_a_closed_place_has_to_take_another(
    messages: Messages, outbox: Outbox, key: Idempotency | None
) -> None:
    closed = outbox.close(ADA, [1], now=NOW)

    with pytest.raises(PlaceTakenError):
        messages.accept(an_outbound(1), key)

    assert closed == {1}
    assert outbox.close(ADA, [1], now=NOW) == {1}


def test_closing_passes_over_what_is_still_to_be_sent(messages: Messages, outbox: Outbox) -> None:
    for seq in (1, 2, 4):
        messages.accept(an_outbound(seq))
    messages.cancel(ADA, FIRST)
    outbox.mark_sending(an_outbound(4), fence=1)

    assert outbox.close(ADA, [1, 2, 3, 4], now=NOW) == {1, 3}


def test_closing_knows_its_own_success_again(outbox: Outbox, clients: Clients) -> None:
    with first_answer_lost(clients, "PutItem"):
        closed = outbox.close(ADA, [1], now=NOW)

    assert closed == {1}


def test_nobody_sees_a_closed_place(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound(2))
    outbox.close(ADA, [1, 3], now=NOW)

    assert [message.ref for message in messages.list(ADA).items] == [OutboundRef(2)]
    assert messages.find(ADA, FIRST) is None
    assert outbox.find(ADA, FIRST) is None
    assert messages.cancel(ADA, FIRST) is None
    assert outbox.mark_sending(an_outbound(1), fence=1) is None
    assert [message.ref for message in outbox.pending(ADA, after=0)] == [OutboundRef(2)]


def test_a_claim_can_be_given_back_and_the_message_cancelled_then(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    claimed = outbox.mark_sending(an_outbound(), fence=1)
    assert claimed is not None

    back = outbox.give_back(claimed, fence=1)
    cancelled = messages.cancel(ADA, FIRST)

    assert back is not None
    assert (back.status, back.attempts) == (OutboundStatus.QUEUED, 0)
    assert cancelled is not None


def test_only_the_holder_gives_a_claim_back(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    first = outbox.mark_sending(an_outbound(), fence=1)
    assert first is not None
    second = outbox.mark_sending(first, fence=2)

    assert outbox.give_back(first, fence=1) is None
    assert outbox.find(ADA, FIRST) == second


def test_a_receipt_for_an_earlier_attempt_finds_the_message(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    outbox.remember(an_outbound(), ["3EB0A", "3EB0B"])
    outbox.mark_sent(ADA, FIRST, wa_id="3EB0C", at=NOW, fence=1)

    assert [messages.find_ref(ADA, wa_id) for wa_id in ("3EB0A", "3EB0B", "3EB0C")] == [FIRST] * 3
    assert messages.find_ref(ADA, "3EB0D") is None
    assert [message.ref for message in messages.list(ADA).items] == [FIRST]


def test_those_in_hand_do_not_fill_a_page_of_the_outbox(messages: Messages, outbox: Outbox) -> None:
    for seq in range(1, 8):
        messages.accept(an_outbound(seq))

    found = outbox.pending(ADA, after=0, limit=2, only=lambda place: place > 4)

    assert [message.ref.seq for message in found] == [5, 6]
