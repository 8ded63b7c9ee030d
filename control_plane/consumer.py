"""What becomes of the connectors' events: received messages are stored, receipts move sent ones forward.

Each event may come twice, late, or before what it is about; every order ends in the same.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self, assert_never

from infra.aws.messages import Messages
from infra.aws.sessions import Sessions
from infra.contract.clock import Clock, SystemClock
from infra.contract.ids import InboundRef
from infra.contract.message import Inbound
from infra.contract.queues import ConnectorEvent, MessageReceived, ReceiptReceived, decode_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.aws.clients import Clients

log = logging.getLogger(__name__)

SETTLES_WITHIN = timedelta(minutes=1)
"""A receipt older than this that is for no message of ours is for one that the phone sent."""
_PAUSES = (0.05, 0.15, 0.3)
"""Seconds. A batch of ten that waits all of them ends within the Lambda's timeout."""


class ReceiptTooEarlyError(Exception):
    """The message that a receipt is for is not recorded as sent yet: give the event again."""


class EventConsumer:
    """Carries out events."""

    def __init__(
        self,
        sessions: Sessions,
        messages: Messages,
        *,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._sessions = sessions
        self._messages = messages
        self._clock = clock
        self._sleep = sleep

    @classmethod
    def on(cls, clients: Clients) -> Self:
        """Put it together on a stack."""
        return cls(Sessions(clients), Messages(clients), clock=SystemClock())

    def consume(self, body: str) -> None:
        """Carry out the event in a queue message's body; when this returns, the message may be deleted.

        Raises BadQueueMessageError, ReceiptTooEarlyError and AwsError: then it has to come again.
        """
        event = decode_event(body)
        match event:
            case MessageReceived():
                self._store(event)
            case ReceiptReceived():
                self._advance(event)
            case _:
                assert_never(event)

    def _store(self, event: MessageReceived) -> None:
        if self._sessions.find(event.session_id) is None:
            log.info("event_of_deleted_session", extra=_fields(event))
            return
        is_new = not self._is_known(event) and self._messages.store_inbound(_inbound(event))
        log.info("message_stored" if is_new else "message_known", extra=_fields(event))

    def _is_known(self, event: MessageReceived) -> bool:
        return event.maybe_known and self._messages.has_received(
            event.session_id, event.chat, event.wa_id, around=event.sent_at
        )

    def _advance(self, event: ReceiptReceived) -> None:
        waits = list(_PAUSES)
        unknown = [wa_id for wa_id in event.wa_ids if not self._advance_one(event, wa_id)]
        while unknown and waits and self._is_recent(event):
            self._sleep(waits.pop(0))
            unknown = [wa_id for wa_id in unknown if not self._advance_one(event, wa_id)]
        if unknown and self._is_recent(event):
            raise ReceiptTooEarlyError(f"{len(unknown)} of {len(event.wa_ids)} are not recorded as sent")

    def _advance_one(self, event: ReceiptReceived, wa_id: str) -> bool:
        """Store one receipt; False if no message has this id."""
        ref = self._messages.find_ref(event.session_id, wa_id)
        if ref is None:
            return False
        advanced = self._messages.advance(event.session_id, ref, event.status, at=event.at)
        if advanced is not None:
            log.debug("message_advanced", extra={**_fields(event), "place": str(ref)})
        return True

    def _is_recent(self, event: ReceiptReceived) -> bool:
        return self._clock.now() - event.at < SETTLES_WITHIN


def _inbound(event: MessageReceived) -> Inbound:
    return Inbound(
        session_id=event.session_id,
        ref=InboundRef(int(event.sent_at.timestamp() * 1000), event.wa_id),
        chat=event.chat,
        sender=event.sender,
        content=event.content,
        received_at=event.sent_at,
        sender_number=event.sender_number,
        push_name=event.push_name,
        from_me=event.from_me,
    )


def _fields(event: ConnectorEvent) -> dict[str, str]:
    match event:
        case MessageReceived():
            return {"session": event.session_id, "wa_id": event.wa_id}
        case ReceiptReceived():
            return {"session": event.session_id, "status": event.status}
        case _:
            assert_never(event)
