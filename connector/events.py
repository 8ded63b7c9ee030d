"""Carries what happened to the `events` queue: in batches, and not to be lost while AWS is out of reach."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.device_host.protocol import ReceiptSeen
from connector.patience import persistently
from infra.contract.queues import MessageReceived, ReceiptReceived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from connector.device_host.protocol import MessageSeen
    from infra.aws.queues import Queues
    from infra.contract.ids import SessionId
    from infra.contract.queues import ConnectorEvent

_WAITING = 2000
"""So many unpublished events hold up the device hosts, and then WhatsApp, which keeps what was not taken."""
_BATCH = 100


class Events:
    """What the runners tell; `run` publishes it."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._waiting: asyncio.Queue[ConnectorEvent | Callable[[], None]] = asyncio.Queue(_WAITING)

    async def put(self, event: ConnectorEvent) -> None:
        """Have an event published; waits while too many are."""
        await self._waiting.put(event)

    async def then(self, act: Callable[[], None]) -> None:
        """Have something done when all is published that was put before."""
        await self._waiting.put(act)

    async def run(self) -> None:
        """Publish for as long as this runs: whatever came while the last batch was on its way."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < _BATCH and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            left = merged(event for event in batch if not callable(event))
            while left:
                left = await persistently(self._queues.publish_events, left)
            for each in batch:
                if callable(each):
                    each()
                self._waiting.task_done()

    async def flush(self) -> None:
        """Wait until everything is published."""
        await self._waiting.join()


def event_of(
    session_id: SessionId, seen: MessageSeen | ReceiptSeen, *, maybe_known: bool = False
) -> ConnectorEvent:
    """Write what a device has seen as an event of its session.

    `maybe_known` if another device of the session may have been given it too, and have asked for it again.
    """
    if isinstance(seen, ReceiptSeen):
        return ReceiptReceived(session_id, seen.wa_ids, seen.status, seen.at)
    return MessageReceived(
        session_id=session_id,
        wa_id=seen.wa_id,
        chat=seen.chat,
        sender=seen.sender,
        content=seen.content,
        sent_at=seen.sent_at,
        sender_number=seen.sender_number,
        push_name=seen.push_name,
        from_me=seen.from_me,
        maybe_known=maybe_known or seen.retried,
    )


def merged(events: Iterable[ConnectorEvent]) -> list[ConnectorEvent]:
    """Put receipts into one event that differ in nothing but the message."""
    receipts: dict[tuple[object, ...], ReceiptReceived] = {}
    others: list[ConnectorEvent] = []
    for event in events:
        if not isinstance(event, ReceiptReceived):
            others.append(event)
            continue
        key = (event.session_id, event.status, event.at)
        before = receipts[key].wa_ids if key in receipts else ()
        receipts[key] = ReceiptReceived(event.session_id, before + event.wa_ids, event.status, event.at)
    return [*others, *receipts.values()]
