"""Logging a session out, and deleting it with all that belongs to it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from control_plane.asking import USUAL_WAIT, Asking
from control_plane.nudging import nudge
from control_plane.problems import Code, ProblemError
from control_plane.sessions.refusals import must_start_first, no_such_session
from infra.contract.calls import LogoutWanted
from infra.contract.queues import NudgeReason
from infra.contract.session import Desired, Session, SessionStatus

if TYPE_CHECKING:
    from datetime import timedelta

    from infra.aws.queues import Queues
    from infra.aws.sessions import Sessions
    from infra.contract.ids import SessionId

log = logging.getLogger(__name__)


class Ending:
    """Ends sessions: at WhatsApp, and here."""

    def __init__(self, sessions: Sessions, queues: Queues, asking: Asking) -> None:
        self._sessions = sessions
        self._queues = queues
        self._asking = asking

    async def log_out(self, session_id: SessionId, *, within: timedelta) -> Session:
        """Unlink the device at WhatsApp and give the session as it is then; raises ProblemError."""
        session = await self._get(session_id)
        if session.status is SessionStatus.LOGGED_OUT:
            return session
        if not session.linked:
            raise ProblemError(
                Code.SESSION_NOT_LINKED, "no phone has linked it, so there is nothing to unlink"
            )
        if (stopped := must_start_first(session)) is not None:
            raise stopped
        await self._asking.ask(session, LogoutWanted(), within=within)
        return await self._get(session_id)

    async def delete(self, session_id: SessionId) -> None:
        """Forget the session, its messages and its keys; unlink it at WhatsApp too if it is connected."""
        session = await self._get(session_id)
        if session.status is SessionStatus.CONNECTED:
            try:
                await self._asking.ask(session, LogoutWanted(), within=USUAL_WAIT)
            except ProblemError as problem:
                log.warning("deleted_without_logout", extra={"session": session_id, "problem": problem.code})
        await asyncio.to_thread(self._forget, session)

    def _forget(self, session: Session) -> None:
        self._sessions.want(session.id, Desired.STOPPED)
        nudge(self._queues, session, NudgeReason.DESIRED_CHANGED)
        self._sessions.delete(session.id)

    async def _get(self, session_id: SessionId) -> Session:
        session = await asyncio.to_thread(self._sessions.find, session_id)
        if session is None:
            raise no_such_session(session_id)
        return session
