"""Tells the table how one session does, with the fence of the lease that it is served under."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.contract.session import DisconnectReason, LinkOffer, Report, SessionEvent, SessionStatus

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
        self.retry_at = session.retry_at
        """When the device is started again, while it waits for that."""
        replaced = session.reason is DisconnectReason.STREAM_REPLACED and session.fence == fence
        self.replaced_at = session.disconnected_at if replaced else None
        """When another socket threw it out last, under this lease."""
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
        self.linked, self.retry_at = linked, None
        status = SessionStatus.CONNECTING if linked else SessionStatus.STARTING
        await self._tell(Report(status=status, linked=linked, retry_at=None, link_offer=None))

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
        self._announce(SessionEvent.CONNECTED, logging.INFO)

    async def lost(self, verdict: Verdict, at: datetime, *, retry_at: datetime | None = None) -> None:
        """Say that it is not connected any more, or could not be, and when it is tried again."""
        self._attempts += 1
        self.retry_at = retry_at
        if verdict.reason is DisconnectReason.STREAM_REPLACED:
            self.replaced_at = at
        await self._tell(
            Report(
                status=verdict.status,
                reason=verdict.reason,
                disconnected_at=at,
                reconnect_attempts=self._attempts,
                retry_at=retry_at,
                link_offer=None,
            )
        )
        self._announce(verdict.event, verdict.level, reason=verdict.reason, retry_at=retry_at)

    async def forgotten(self, verdict: Verdict, at: datetime) -> None:
        """Say that it is linked no longer, and that its keys are deleted."""
        self.linked = False
        await self._tell(
            Report(
                status=verdict.status,
                linked=False,
                reason=verdict.reason,
                disconnected_at=at,
                retry_at=None,
                link_offer=None,
            )
        )
        self._announce(verdict.event, verdict.level, reason=verdict.reason)

    async def handed_over(self) -> None:
        """Say that it waits for the next connector; not if it waits for a time, which that one honours."""
        if self.retry_at is None:
            await self._tell(Report(status=SessionStatus.STARTING, link_offer=None))

    def was_started_anew(self, session: Session) -> bool:
        """Tell whether the customer started it while it waited to be tried again."""
        waits = self.retry_at is not None
        return waits and session.retry_at is None and session.status is SessionStatus.STARTING

    def begin_anew(self) -> None:
        """Forget how often it was tried."""
        self._attempts, self.retry_at = 0, None

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

    def _announce(self, event: SessionEvent, level: int, **more: object) -> None:
        """Log an event, after the table has taken it: what a superseded connector saw is no news."""
        _log.log(level, event, extra={"session": self._id, **more})
