"""Accepts messages for sending: a place in the outbox, then the message in it, then a nudge.

Between the two writes the process may die: the place stays empty, and nobody was told that it was taken.
Or it may hang: a connector has closed the place by then, the write is refused, and the message takes another.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple, assert_never

import msgspec

from control_plane.nudging import nudge
from control_plane.problems import Code, ProblemError
from control_plane.sessions.refusals import cannot_send, no_such_session
from infra.aws.errors import ThrottledError
from infra.aws.messages import Accepted, Idempotency, OtherBody, PlaceTakenError, SameAgain
from infra.aws.sessions import NoPlace
from infra.contract.ids import OutboundRef, SessionId
from infra.contract.message import PENDING, OnUnknown, Outbound, OutboundContent, OutboundStatus
from infra.contract.queues import NudgeReason

if TYPE_CHECKING:
    from datetime import timedelta

    from control_plane.settings import Settings
    from control_plane.waiting import Patience
    from infra.aws.messages import Messages
    from infra.aws.queues import Queues
    from infra.aws.sessions import Sessions
    from infra.contract.clock import Clock
    from infra.contract.jid import Jid
    from infra.contract.session import Session

_SECRET_BYTES = 32
_PLACES = 3
"""So many places are tried before the storage is called too busy."""


class Draft(NamedTuple):
    """What a customer wants sent."""

    to: Jid
    content: OutboundContent
    on_unknown: OnUnknown = OnUnknown.FAIL


class Sending:
    """Takes messages into outboxes."""

    def __init__(
        self,
        sessions: Sessions,
        messages: Messages,
        queues: Queues,
        *,
        patience: Patience,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._sessions = sessions
        self._messages = messages
        self._queues = queues
        self._patience = patience
        self._clock = clock
        self._settings = settings

    def accept(
        self, session_id: SessionId, draft: Draft, *, idempotency_key: str | None
    ) -> Accepted | SameAgain:
        """Store a message to send: from then on it is safe. Raises ProblemError if it cannot be taken.

        A key that came before gives the message of that time, whatever became of the session since.
        """
        idempotency = None
        if idempotency_key is not None:
            idempotency = Idempotency(idempotency_key, _hash(draft))
            before = self._messages.accepted_before(session_id, idempotency, now=self._clock.now())
            if before is not None:
                return _first_answer(before)
        for _ in range(_PLACES):
            session = self._take_place(session_id)
            try:
                outcome = self._messages.accept(self._message(session, draft), idempotency)
            except PlaceTakenError:
                continue
            if isinstance(outcome, Accepted):
                nudge(self._queues, session, NudgeReason.SEND)
                return outcome
            return _first_answer(outcome)
        raise ThrottledError("every place was closed before the message could be stored in it")

    async def outcome(self, message: Outbound, *, within: timedelta) -> Outbound:
        """Give the message once it has left the outbox, sent or not; as it is then if that takes longer."""

        def read() -> Outbound:
            found = self._messages.find(message.session_id, message.ref, consistent=True)
            return found.at(self._clock.now()) if isinstance(found, Outbound) else message

        return await self._patience.until(lambda it: it.status not in PENDING, read, within=within)

    def _take_place(self, session_id: SessionId) -> Session:
        taken = self._sessions.take_place(session_id, backlog_limit=self._settings.backlog_limit)
        if isinstance(taken, NoPlace):
            raise no_such_session(session_id) if taken.session is None else cannot_send(taken.session)
        return taken

    def _message(self, session: Session, draft: Draft) -> Outbound:
        now = self._clock.now()
        return Outbound(
            session_id=session.id,
            ref=OutboundRef(session.seq),
            to=draft.to,
            content=draft.content,
            status=OutboundStatus.QUEUED,
            accepted_at=now,
            expires_at=now + self._settings.message_lifetime,
            secret=secrets.token_bytes(_SECRET_BYTES),
            on_unknown=draft.on_unknown,
        )


def _first_answer(outcome: SameAgain | OtherBody) -> SameAgain:
    match outcome:
        case SameAgain():
            return outcome
        case OtherBody(ref=ref):
            raise ProblemError(
                Code.IDEMPOTENCY_KEY_REUSED, f"it stands for the message {ref}", field="Idempotency-Key"
            )
        case _:
            assert_never(outcome)


def _hash(draft: Draft) -> str:
    """Give the same for the same message, however its recipient was written."""
    return hashlib.sha256(msgspec.json.encode(draft)).hexdigest()
