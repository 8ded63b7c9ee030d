"""Tells the table how one session does, with the fence of the lease that it is served under."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.contract.session import DisconnectReason, LinkOffer, Report, SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from connector.verdicts import Verdict
    from infra.aws.sessions import Sessions
    from infra.contract.session import Session

_log = logging.getLogger(__name__)


class SupersededError(Exception):
    """The session is not ours to report on any more: stopped by its customer, deleted, or held by another."""


class Reporter:
    """One session's reports. Each raises SupersededError when it is refused."""

    def __init__(self, session: Session, sessions: Sessions, *, fence: int) -> None:
        self.status = SessionStatus.STARTING
        self.linked = session.linked
        self._id = session.id
        self._attempts = session.reconnect_attempts
        self._sessions = sessions
        self._fence = fence
        self._last: Report | None = None

    @property
    def attempts(self) -> int:
        """How often it was tried to come back since it was connected last."""
        return self._attempts

    async def starting(self, *, linked: bool) -> None:
        """Say that a device is being started."""
        self.linked = linked
        status = SessionStatus.CONNECTING if linked else SessionStatus.STARTING
        await self._tell(Report(status=status, linked=linked, link_offer=None))

    async def awaiting_link(self, offer: LinkOffer) -> None:
        """Show a QR."""
        await self._tell(Report(status=SessionStatus.AWAITING_LINK, link_offer=offer))

    async def connecting(self) -> None:
        """Say that a phone has linked it, and that it logs in."""
        await self._tell(Report(status=SessionStatus.CONNECTING, link_offer=None))

    async def connected(self, *, phone_number: str, lid: str | None, push_name: str | None) -> None:
        """Say that it is connected, and as whom."""
        self.linked = True
        self._attempts = 0
        await self._tell(
            Report(
                status=SessionStatus.CONNECTED,
                linked=True,
                phone_number=phone_number,
                lid=lid,
                push_name=push_name,
                reconnect_attempts=0,
                link_offer=None,
            )
        )

    async def lost(self, verdict: Verdict, at: datetime) -> None:
        """Say that it is not connected any more, or could not be."""
        self._attempts += 1
        await self._tell(
            Report(
                status=verdict.status,
                reason=verdict.reason,
                disconnected_at=at,
                reconnect_attempts=self._attempts,
                link_offer=None,
            )
        )

    async def logged_out(self, reason: DisconnectReason, at: datetime) -> None:
        """Say that its device is unlinked and its keys are deleted."""
        self.linked = False
        await self._tell(
            Report(
                status=SessionStatus.LOGGED_OUT,
                linked=False,
                reason=reason,
                disconnected_at=at,
                link_offer=None,
            )
        )

    async def handed_over(self) -> None:
        """Say that it waits for the next connector."""
        await self._tell(Report(status=SessionStatus.STARTING, link_offer=None))

    async def repeat_unless(self, status: SessionStatus) -> None:
        """Say the last again if the table has another status: a customer stopped and started it."""
        if self._last is not None and status is not self.status:
            await self._tell(self._last)

    async def _tell(self, report: Report) -> None:
        stored = await persistently(self._sessions.report, self._id, report, fence=self._fence)
        if stored is None:
            raise SupersededError(f"{self._id}: {report.status} was refused")
        self.status, self._last = report.status, report
        _log.info("session_status", extra={"session": self._id, "status": report.status})
