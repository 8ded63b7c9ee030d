"""The queues: nudges and events arrive as they were sent, in as few requests as fit."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.queues import Queues
from infra.contract import keys
from infra.contract.message import Text
from infra.contract.queues import MessageReceived, Nudge, NudgeReason, decode_event, encode
from tests.aws.builders import ADA, BOB, NOW

if TYPE_CHECKING:
    from infra.aws.clients import Clients

AT_ONCE = timedelta()


@pytest.fixture
def queues(own_stack: Clients) -> Queues:
    """The queues of an empty stack."""
    return Queues(own_stack)


def an_event(number: int, text: str = "hi") -> MessageReceived:
    """Build the news of a received message."""
    return MessageReceived(ADA, f"3EB{number}", BOB, BOB, Text(text), NOW)


def test_a_nudge_reaches_its_shard_only(queues: Queues) -> None:
    nudge = Nudge(ADA, NudgeReason.SEND)

    queues.nudge(1, nudge)

    assert queues.receive_nudges(0, wait=AT_ONCE) == []
    assert [each.message for each in queues.receive_nudges(1, wait=AT_ONCE)] == [nudge]


def test_a_followed_nudge_is_deleted(queues: Queues, own_stack: Clients) -> None:
    queues.nudge(0, Nudge(ADA, NudgeReason.SEND))
    received = queues.receive_nudges(0, wait=AT_ONCE)

    queues.delete_nudges(0, [each.handle for each in received])
    queues.delete_nudges(0, [])

    assert _left_on(own_stack, keys.shard_queue(own_stack.settings.stack, 0)) == 0


def test_what_is_no_nudge_is_left_for_the_dead_letters(queues: Queues, own_stack: Clients) -> None:
    queue = keys.shard_queue(own_stack.settings.stack, 0)
    url = own_stack.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    own_stack.sqs.send_message(QueueUrl=url, MessageBody='{"of": "another version"}')
    queues.nudge(0, Nudge(ADA, NudgeReason.CALL))

    received = queues.receive_nudges(0, wait=AT_ONCE)

    assert [each.message.reason for each in received] == [NudgeReason.CALL]
    assert _left_on(own_stack, queue) == 2


def test_any_number_of_events_is_published(queues: Queues) -> None:
    events = [an_event(number) for number in range(25)]

    refused = queues.publish_events(events)

    assert refused == []
    assert _all_events(queues) == events


def test_events_that_are_too_large_together_go_apart(queues: Queues) -> None:
    events = [an_event(number, text="ü" * 60_000) for number in range(5)]

    refused = queues.publish_events(events)

    assert refused == []
    assert _all_events(queues) == events


def test_events_that_sqs_does_not_take_are_given_back(queues: Queues, own_stack: Clients) -> None:
    events = [an_event(number) for number in range(3)]
    answer = {"Successful": [], "Failed": [{"Id": "1", "Code": "InternalError", "SenderFault": False}]}
    event = "after-call.sqs.SendMessageBatch"

    def fail_one(parsed: dict[str, Any], **_details: object) -> None:
        parsed.update(answer)

    own_stack.sqs.meta.events.register(event, fail_one)
    try:
        refused = queues.publish_events(events)
    finally:
        own_stack.sqs.meta.events.unregister(event, fail_one)

    assert refused == [events[1]]


def test_consumed_events_are_deleted(queues: Queues, own_stack: Clients) -> None:
    queues.publish_events([an_event(1), an_event(2)])
    received = queues.receive_events(wait=AT_ONCE)

    queues.delete_events([each.handle for each in received])

    assert [each.message for each in received] == [encode(an_event(1)), encode(an_event(2))]
    assert _left_on(own_stack, keys.events_queue(own_stack.settings.stack)) == 0


def test_events_that_a_consumer_took_to_its_grave_come_again(queues: Queues) -> None:
    queues.publish_events([an_event(1)])

    taken = queues.receive_events(wait=AT_ONCE, hidden_for=timedelta(seconds=1))
    hidden = queues.receive_events(wait=AT_ONCE)
    again = queues.receive_events(wait=timedelta(seconds=5))

    assert (len(taken), len(hidden)) == (1, 0)
    assert [each.message for each in again] == [each.message for each in taken]


def _all_events(queues: Queues) -> list[Any]:
    events = []
    while received := queues.receive_events(wait=AT_ONCE):
        events += [decode_event(each.message) for each in received]
    return events


def _left_on(clients: Clients, queue: str) -> int:
    url = clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    counts: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=counts)["Attributes"]
    return sum(int(count) for count in told.values())
