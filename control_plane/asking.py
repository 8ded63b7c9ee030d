"""Asks the connector of a session something, and waits for the answer: both stand in the table."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from control_plane.nudging import nudge
from control_plane.problems import Code, ProblemError
from infra.contract.calls import Answer, Call, Done, PairingCodeShown, Question, Refused
from infra.contract.queues import NudgeReason

if TYPE_CHECKING:
    from control_plane.waiting import Patience
    from infra.aws.calls import Calls
    from infra.aws.queues import Queues
    from infra.contract.clock import Clock
    from infra.contract.session import Session

USUAL_WAIT = timedelta(seconds=10)
"""How long an answer is waited for when the customer did not say."""


class Asking:
    """Puts questions to connectors."""

    def __init__(self, calls: Calls, queues: Queues, clock: Clock, patience: Patience) -> None:
        self._calls = calls
        self._queues = queues
        self._clock = clock
        self._patience = patience

    async def ask(
        self, session: Session, question: Question, *, within: timedelta
    ) -> PairingCodeShown | Done:
        """Give the answer; raises ProblemError if it is refused, or late: then it is not done any more."""
        call = self._call(session, question, within)
        await asyncio.to_thread(self._put, session, call)

        def answer() -> Answer | None:
            found = self._calls.find(session.id, call.id)
            return None if found is None else found.answer

        return _unless_refused(await self._patience.until(lambda it: it is not None, answer, within=within))

    def _call(self, session: Session, question: Question, within: timedelta) -> Call:
        now = self._clock.now()
        call_id = f"{int(now.timestamp() * 1000):013d}-{secrets.token_hex(6)}"
        return Call(session.id, call_id, question, asked_at=now, expires_at=now + within)

    def _put(self, session: Session, call: Call) -> None:
        self._calls.ask(call)
        nudge(self._queues, session, NudgeReason.CALL)


def _unless_refused(answer: Answer | None) -> PairingCodeShown | Done:
    if answer is None:
        raise ProblemError(Code.CONNECTOR_SILENT, "the session's connector did not answer in time")
    if isinstance(answer, Refused):
        raise _refusal(answer.code)
    return answer


def _refusal(code: str) -> ProblemError:
    try:
        known = Code(code)
    except ValueError:
        return ProblemError(Code.WHATSAPP_REFUSED, f"it was refused: {code}")
    return ProblemError(known, "the session's connector refused it")
