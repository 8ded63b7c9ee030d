"""The queues: nudges to the connectors, and their events to the control plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from infra.aws.clients import LONG_POLL, Clients
from infra.aws.errors import translated
from infra.contract import keys
from infra.contract.queues import BadQueueMessageError, ConnectorEvent, Nudge, decode_nudge, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import timedelta

AT_ONCE = 10
"""So many messages SQS gives, and deletes, in a request."""
_BATCH_BYTES = 240 * 1024
"""Below 256 KiB: SQS takes 1 MiB per batch since 2025, emulators not all of them."""

T = TypeVar("T")


class Received(msgspec.Struct, Generic[T], frozen=True):
    """A message off a queue, and the handle by which it is deleted (SQS calls that a receipt)."""

    message: T
    handle: str


class Queues:
    """The queues of one stack."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._stack = clients.settings.stack
        self._urls: dict[str, str] = {}

    def nudge(self, shard: int, nudge: Nudge) -> None:
        """Tell a shard's connector to look at a session."""
        url = self._url(keys.shard_queue(self._stack, shard))
        with translated():
            self._clients.sqs.send_message(QueueUrl=url, MessageBody=encode(nudge))

    def receive_nudges(self, shard: int, *, wait: timedelta = LONG_POLL) -> list[Received[Nudge]]:
        """Wait for nudges, and give up to 10. What is no nudge is left for the dead-letter queue."""
        received = self._receive(keys.shard_queue(self._stack, shard), wait)
        return list(_nudges(received))

    def delete_nudges(self, shard: int, handles: Sequence[str]) -> None:
        """Delete up to AT_ONCE that were followed; one that stays comes again, which changes nothing."""
        self._delete(keys.shard_queue(self._stack, shard), handles)

    def return_nudges(self, shard: int, handles: Sequence[str]) -> None:
        """Give back up to 10 that will not be followed, for another to receive at once."""
        if not handles:
            return
        entries: Any = [
            {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for number, handle in enumerate(handles)
        ]
        url = self._url(keys.shard_queue(self._stack, shard))
        with translated():
            self._clients.sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)

    def publish_events(self, events: Sequence[ConnectorEvent]) -> list[ConnectorEvent]:
        """Publish any number of events, in as few requests as fit; give those that were not taken."""
        url = self._url(keys.events_queue(self._stack))
        refused: list[ConnectorEvent] = []
        for batch in _batches((event, encode(event)) for event in events):
            entries: Any = [
                {"Id": str(number), "MessageBody": body} for number, (_, body) in enumerate(batch)
            ]
            with translated():
                answer = self._clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            refused += [batch[int(failure["Id"])][0] for failure in answer.get("Failed", ())]
        return refused

    def receive_events(
        self, *, wait: timedelta = LONG_POLL, hidden_for: timedelta | None = None
    ) -> list[Received[str]]:
        """Wait for events and give up to 10 bodies, as the Lambda gets them; for a local consumer.

        What is not deleted comes again after `hidden_for`, or after as long as the queue's definition says.
        """
        return self._receive(keys.events_queue(self._stack), wait, hidden_for)

    def delete_events(self, handles: Sequence[str]) -> None:
        """Delete up to 10 events that were consumed."""
        self._delete(keys.events_queue(self._stack), handles)

    def _receive(
        self, queue: str, wait: timedelta, hidden_for: timedelta | None = None
    ) -> list[Received[str]]:
        hidden: Any = {} if hidden_for is None else {"VisibilityTimeout": int(hidden_for.total_seconds())}
        with translated():
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=AT_ONCE,
                WaitTimeSeconds=int(wait.total_seconds()),
                **hidden,
            )
        return [Received(each["Body"], each["ReceiptHandle"]) for each in answer.get("Messages", ())]

    def _delete(self, queue: str, handles: Sequence[str]) -> None:
        if not handles:
            return
        entries: Any = [{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)]
        with translated():
            self._clients.sqs.delete_message_batch(QueueUrl=self._url(queue), Entries=entries)

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            with translated():
                self._urls[queue] = self._clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]


def _nudges(received: Iterable[Received[str]]) -> Iterator[Received[Nudge]]:
    for each in received:
        try:
            yield Received(decode_nudge(each.message), each.handle)
        except BadQueueMessageError:
            continue  # not deleted, so SQS moves it to the dead-letter queue


def _batches(events: Iterable[tuple[ConnectorEvent, str]]) -> Iterator[list[tuple[ConnectorEvent, str]]]:
    batch: list[tuple[ConnectorEvent, str]] = []
    size = 0
    for event, body in events:
        grown = size + len(body.encode())
        if batch and (len(batch) == AT_ONCE or grown > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
            grown = len(body.encode())
        batch.append((event, body))
        size = grown
    if batch:
        yield batch
