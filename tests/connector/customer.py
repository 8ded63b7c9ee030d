"""What the API does for a customer, by the same adapters; and what the consumer of events would get."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from infra.aws.blobs import Blobs
from infra.aws.calls import Calls
from infra.aws.messages import Accepted, Messages
from infra.aws.queues import Queues
from infra.aws.sessions import Sessions
from infra.contract.calls import Call
from infra.contract.ids import OutboundRef, SessionId
from infra.contract.jid import Jid
from infra.contract.message import Outbound, OutboundStatus, Text
from infra.contract.queues import Nudge, NudgeReason, decode_event
from infra.contract.session import Desired, Session, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.aws.clients import Clients
    from infra.contract.calls import Answer, Question
    from infra.contract.queues import ConnectorEvent

_WITHIN = 25.0


class Customer:
    """Somebody with one session."""

    def __init__(self, clients: Clients, session_id: str = "ada") -> None:
        self.id = SessionId(session_id)
        self.sessions = Sessions(clients)
        self.messages = Messages(clients)
        self.calls = Calls(clients)
        self.queues = Queues(clients)
        self.blobs = Blobs(clients)
        self.events: list[ConnectorEvent] = []

    def create(self) -> None:
        """Create the session and start it."""
        now = datetime.now(UTC)
        self.sessions.create(Session(self.id, now, Desired.STOPPED, SessionStatus.CREATED))
        self.want(Desired.RUNNING)

    def want(self, desired: Desired) -> None:
        """Start or stop the session."""
        session = self.sessions.want(self.id, desired)
        assert session is not None
        self._nudge(session, NudgeReason.DESIRED_CHANGED)

    def send(self, text: str, to: str) -> OutboundRef:
        """Have a text accepted."""
        session = self.sessions.take_place(self.id, backlog_limit=10_000)
        assert isinstance(session, Session), f"no place: {session}"
        now = datetime.now(UTC)
        message = Outbound(
            session_id=self.id,
            ref=OutboundRef(session.seq),
            to=Jid.parse(to) if "@" in to else Jid.phone_number(to),
            content=Text(text),
            status=OutboundStatus.QUEUED,
            accepted_at=now,
            expires_at=now + timedelta(hours=24),
            secret=os.urandom(32),
        )
        assert isinstance(self.messages.accept(message), Accepted)
        self._nudge(session, NudgeReason.SEND)
        return message.ref

    async def ask(self, question: Question) -> Answer:
        """Ask the connector something, and give the answer."""
        now = datetime.now(UTC)
        call = Call(self.id, os.urandom(8).hex(), question, now, now + timedelta(seconds=60))
        self.calls.ask(call)
        self._nudge(self.session(), NudgeReason.CALL)
        async with asyncio.timeout(_WITHIN):
            while True:
                found = await asyncio.to_thread(self.calls.find, self.id, call.id)
                if found is not None and found.answer is not None:
                    return found.answer
                await asyncio.sleep(0.05)

    def session(self) -> Session:
        """Give the session as it is stored."""
        return self.sessions.get(self.id, consistent=True)

    async def session_when(self, condition: Callable[[Session], Any]) -> Session:
        """Wait until the session is like this."""
        session = self.session()
        try:
            async with asyncio.timeout(_WITHIN):
                while True:
                    session = await asyncio.to_thread(self.session)
                    if condition(session):
                        return session
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"it stays {session}") from None

    async def status(self, status: SessionStatus) -> Session:
        """Wait until the session has this status."""
        return await self.session_when(lambda session: session.status is status)

    async def message_when(self, ref: OutboundRef, condition: Callable[[Outbound], Any]) -> Outbound:
        """Wait until a message is like this."""
        message = None
        try:
            async with asyncio.timeout(_WITHIN):
                while True:
                    message = await asyncio.to_thread(self.messages.find, self.id, ref, consistent=True)
                    assert isinstance(message, Outbound)
                    if condition(message):
                        return message
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"it stays {message}") from None

    async def sent(self, ref: OutboundRef) -> Outbound:
        """Wait until a message is sent."""
        return await self.message_when(ref, lambda message: message.status is OutboundStatus.SENT)

    async def event_when(self, condition: Callable[[ConnectorEvent], Any]) -> ConnectorEvent:
        """Wait for an event like this."""
        try:
            async with asyncio.timeout(_WITHIN):
                while not (found := [event for event in self.events if condition(event)]):
                    received = await asyncio.to_thread(self.queues.receive_events, wait=timedelta(seconds=1))
                    self.events += [decode_event(each.message) for each in received]
                    if received:
                        self.queues.delete_events([each.handle for each in received])
        except TimeoutError:
            raise AssertionError(f"only these came: {self.events}") from None
        return found[0]

    def _nudge(self, session: Session, reason: NudgeReason) -> None:
        assert session.shard is not None
        self.queues.nudge(session.shard, Nudge(self.id, reason))
