"""The queues: nudges to the connectors, and their events to the control plane."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec

from infra.aws.clients import LONG_POLL, Clients
from infra.contract.queues import ConnectorEvent, Nudge

T = TypeVar("T")


class Received(msgspec.Struct, Generic[T], frozen=True):
    """A message off a queue, and the handle by which it is deleted (SQS calls that a receipt)."""

    message: T
    handle: str


class Queues:
    """The queues of one stack."""

    def __init__(self, clients: Clients) -> None: ...

    def nudge(self, shard: int, nudge: Nudge) -> None:
        """Tell a shard's connector to look at a session."""
        raise NotImplementedError

    def receive_nudges(self, shard: int, *, wait: timedelta = LONG_POLL) -> list[Received[Nudge]]:
        """Wait for nudges, and give up to 10. What is no nudge is left for the dead-letter queue."""
        raise NotImplementedError

    def delete_nudges(self, shard: int, handles: Sequence[str]) -> None:
        """Delete up to 10 that were followed; one that stays comes again, which changes nothing."""
        raise NotImplementedError

    def publish_events(self, events: Sequence[ConnectorEvent]) -> list[ConnectorEvent]:
        """Publish any number of events, in as few requests as fit; give those that were not taken."""
        raise NotImplementedError

    def receive_events(self, *, wait: timedelta = LONG_POLL) -> list[Received[str]]:
        """Wait for events and give up to 10 bodies, as the Lambda gets them; for a local consumer."""
        raise NotImplementedError

    def delete_events(self, handles: Sequence[str]) -> None:
        """Delete up to 10 events that were consumed."""
        raise NotImplementedError
