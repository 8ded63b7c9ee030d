"""Accepting messages: stored once, also when the customer, boto3 or twenty threads ask again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.aws.errors import ThrottledError
from infra.aws.messages import Accepted, Idempotency, Messages, OtherBody, PlaceTakenError, SameAgain
from infra.aws.outbox import Outbox
from infra.contract.ids import OutboundRef
from tests.aws.builders import ADA, CYD, an_outbound
from tests.aws.lost_answers import Conflicts, first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients

KEY = Idempotency("order-17", "hash of the body")


def test_an_accepted_message_is_read_as_it_was(messages: Messages) -> None:
    message = an_outbound(text="Grüße 👋")

    assert messages.accept(message) == Accepted(message)
    assert messages.find(ADA, message.ref, consistent=True) == message


def test_a_place_is_given_to_one_message_only(messages: Messages) -> None:
    first = an_outbound(1)
    messages.accept(first)

    with pytest.raises(PlaceTakenError):
        messages.accept(an_outbound(1, secret=b"2" * 32))
    with pytest.raises(PlaceTakenError):
        messages.accept(an_outbound(1, secret=b"2" * 32), KEY)

    assert messages.find(ADA, first.ref) == first
    assert messages.accepted_before(ADA, KEY, now=first.accepted_at) is None


def test_accepting_knows_its_own_success_again(messages: Messages, clients: Clients) -> None:
    message = an_outbound()

    with first_answer_lost(clients, "PutItem"):
        accepted = messages.accept(message)

    assert accepted == Accepted(message)


def test_accepting_with_a_key_knows_its_own_success_again(embedded: Clients) -> None:
    message = an_outbound()

    with first_answer_lost(embedded, "TransactWriteItems"):
        accepted = Messages(embedded).accept(message, KEY)

    assert accepted == Accepted(message)


def test_the_same_key_and_body_give_the_first_message_as_it_is_now(
    messages: Messages, outbox: Outbox
) -> None:
    first = an_outbound(1)
    messages.accept(first, KEY)
    sending = outbox.mark_sending(first, fence=1)
    assert sending is not None

    again = messages.accept(an_outbound(2), KEY)

    assert again == SameAgain(sending)
    assert messages.find(ADA, OutboundRef(2)) is None
    assert messages.accepted_before(ADA, KEY, now=first.accepted_at) == SameAgain(sending)


def test_the_same_key_with_another_body_is_told_apart(messages: Messages) -> None:
    messages.accept(an_outbound(1), KEY)
    other = Idempotency(KEY.key, "hash of another body")

    assert messages.accept(an_outbound(2, to=CYD), other) == OtherBody(OutboundRef(1))
    assert messages.accepted_before(ADA, other, now=an_outbound().accepted_at) == OtherBody(OutboundRef(1))
    assert messages.find(ADA, OutboundRef(2)) is None


def test_a_key_that_has_expired_is_new_again_though_it_is_still_stored(messages: Messages) -> None:
    first = an_outbound(1)
    messages.accept(first, KEY)
    later = first.accepted_at + timedelta(hours=24)
    second = an_outbound(2, accepted_at=later)

    assert messages.accepted_before(ADA, KEY, now=later) is None
    assert messages.accept(second, KEY) == Accepted(second)


def test_a_new_key_has_not_come_before(messages: Messages) -> None:
    assert messages.accepted_before(ADA, KEY, now=an_outbound().accepted_at) is None


def test_twenty_parallel_requests_with_one_key_store_one_message(embedded: Clients) -> None:
    messages = Messages(embedded)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda seq: messages.accept(an_outbound(seq), KEY), range(1, 21)))

    accepted = [answer for answer in answers if isinstance(answer, Accepted)]
    assert len(accepted) == 1
    assert [each for each in answers if each != SameAgain(accepted[0].message)] == accepted
    assert Outbox(embedded).pending(ADA, after=0) == [accepted[0].message]


def test_transactions_in_each_others_way_are_tried_again(clients: Clients) -> None:
    message = an_outbound()

    with Conflicts(clients, times=2):
        accepted = Messages(clients).accept(message, KEY)

    assert accepted == Accepted(message)


def test_transactions_in_each_others_way_for_too_long_are_an_error(clients: Clients) -> None:
    with Conflicts(clients, times=100), pytest.raises(ThrottledError):
        Messages(clients).accept(an_outbound(), KEY)
