"""One session while it is served here: its device from start to start, and what its customer wants."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.answers import STOPPED, Answers
from connector.auth_blob import MissingError
from connector.device_file import UnreadableError
from connector.device_run import DeviceRun
from connector.patience import backoff, persistently
from connector.reporter import SupersededError
from connector.serving import Serving
from connector.signal_repair import ANSWERS_RETRIES_FOR, forget_written
from connector.verdicts import KEYS_MISSING, KEYS_UNREADABLE, Next, once_replaced
from infra.aws.errors import LostError
from infra.contract.queues import NudgeReason
from infra.contract.session import Desired, DisconnectReason, SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

    from connector.listener import Listener
    from connector.parts import Parts
    from connector.sender import Sender
    from connector.verdicts import Verdict
    from infra.contract.ids import SessionId

_log = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=2)
_AT_REST = {SessionStatus.CREATED, SessionStatus.LOGGED_OUT, SessionStatus.FAILED}
"""Only a customer's start goes on from here."""


class Stop(enum.Enum):
    """Why a session is not served here any longer."""

    DRAINED = enum.auto()
    """The next connector goes on."""
    UNWANTED = enum.auto()
    """Its customer stopped or deleted it."""


class SessionRunner:
    """Serves one session under one lease, until it ends by itself or is told to stop."""

    def __init__(self, session_id: SessionId, parts: Parts, *, fence: int) -> None:
        self._id = session_id
        self._parts = parts
        self._fence = fence
        self._answers = Answers(session_id, parts.calls, fence=fence, clock=parts.clock)
        self._stop: Stop | None = None
        self._look = asyncio.Event()
        self._hurry = asyncio.Event()
        self._device_run: DeviceRun | None = None
        self._sender: Sender | None = None

    def nudge(self, reason: NudgeReason | None = None) -> None:
        """Look at what the table says of the session: all of it, or what the reason names."""
        if reason is NudgeReason.SEND and self._sender is not None:
            self._sender.nudge()
        if reason is not NudgeReason.SEND:
            self._look.set()

    @property
    def was_nudged(self) -> bool:
        """Whether there was reason to look that nobody has followed yet."""
        return self._look.is_set()

    def stop(self, why: Stop) -> None:
        """Stop serving; `run` returns when that is done."""
        self._stop = self._stop or why
        self._hurry.set()
        if self._device_run is not None:
            self._device_run.end()

    async def run(self) -> None:
        """Serve the session. This is the border of one session: what goes wrong in here harms no other."""
        failures = 0
        while self._stop is None:
            try:
                await self._serve()
            except* SupersededError as superseded:
                _log.warning("session_superseded", extra={"session": self._id, "cause": _cause(superseded)})
                self._stop = Stop.UNWANTED
            except* LostError as lost:  # by whom, the table will tell
                failures += 1
                _log.warning("auth_blob_lost", extra={"session": self._id, "cause": _cause(lost)})
                await self._pause(failures)
            except* Exception as failure:  # noqa: BLE001
                failures += 1
                _log.exception("session_failed", extra={"session": self._id, "cause": _cause(failure)})
                await self._pause(failures)
            else:
                return

    async def _serve(self) -> None:
        session = await persistently(self._parts.sessions.find, self._id, consistent=True)
        if session is None or session.desired is Desired.STOPPED or session.status in _AT_REST:
            await self._answers.refuse(STOPPED)
            return
        if session.fence > self._fence:
            raise SupersededError(f"{self._id}: fence {session.fence} wrote, ours is {self._fence}")
        serving = Serving.of(session, self._parts, fence=self._fence)
        async with serving.ledger:
            if await self._make_ready(serving):
                await self._serve_with(serving)

    async def _make_ready(self, serving: Serving) -> bool:
        """Make the device's database fit to run; False if it cannot be, which the customer is told."""
        try:
            known_up_to = await serving.blob.prepare()
        except UnreadableError as error:
            _log.error("auth_blob_unreadable", extra={"session": self._id, "cause": str(error)})
            await serving.reporter.lost(KEYS_UNREADABLE, serving.clock.now())
            return False
        except MissingError:
            await serving.reporter.forgotten(KEYS_MISSING, serving.clock.now())
            return False
        if known_up_to is not None:
            serving.sender.known_since = self._fence
            await self._repair(serving, known_up_to)
        return True

    async def _repair(self, serving: Serving, known_up_to: int) -> None:
        chats = await persistently(
            self._parts.outbox.written_to, self._id, since=known_up_to, and_before=ANSWERS_RETRIES_FOR
        )
        forgotten = await asyncio.to_thread(forget_written, serving.blob.database, chats)
        _log.warning(
            "signal_sessions_forgotten",
            extra={"session": self._id, "chats": len(chats), **forgotten._asdict()},
        )

    async def _serve_with(self, serving: Serving) -> None:
        self._sender = serving.sender
        self._look.set()
        try:
            async with asyncio.TaskGroup() as group:
                beside = [
                    group.create_task(serving.sender.run()),
                    group.create_task(serving.blob.save_when_touched(after=self._parts.settings.save_after)),
                    group.create_task(self._obey(serving)),
                ]
                await self._start_and_start_again(serving)
                for task in beside:
                    task.cancel()
        finally:
            self._sender = None

    async def _start_and_start_again(self, serving: Serving) -> None:
        reporter, clock = serving.reporter, serving.clock
        await self._wait_until(reporter.retry_at)  # as its former holder said
        while self._stop is None:
            verdict = await self._run_device(serving)
            if verdict is None:
                break
            if verdict.next is Next.FORGET:
                await serving.blob.delete()
                await reporter.forgotten(verdict, clock.now())
                await self._answers.logged_out()
                return
            if verdict.next is Next.GIVE_UP:
                await reporter.lost(verdict, clock.now())
                return
            self._hurry.clear()
            usual = _usual_pause(reporter.attempts + 1) if verdict.next is Next.START_AGAIN else timedelta()
            now = clock.now()
            retry_at = now + max(usual, verdict.pause)
            await reporter.lost(verdict, now, retry_at=retry_at)
            await self._wait_until(retry_at)
        if self._stop is Stop.DRAINED:
            await reporter.handed_over()

    async def _run_device(self, serving: Serving) -> Verdict | None:
        self._device_run = DeviceRun(serving, self._parts.hosts)
        try:
            verdict = await self._device_run.to_the_end()
        finally:
            self._device_run = None
        if verdict is not None and verdict.reason is DisconnectReason.STREAM_REPLACED:
            before, lease = serving.reporter.replaced_at, self._parts.settings.lease_duration
            return once_replaced(before, serving.clock.now(), lease_duration=lease)
        return verdict

    async def _obey(self, serving: Serving) -> None:
        """Do what the customer wants, whenever there is reason to look."""
        while True:
            await self._look.wait()
            if self._stop is not None:
                return  # the next runner will look
            self._look.clear()
            session = await persistently(self._parts.sessions.find, self._id, consistent=True)
            if session is None or session.desired is Desired.STOPPED:
                self.stop(Stop.UNWANTED)
            elif serving.reporter.was_started_anew(session):
                serving.reporter.begin_anew()
                self._hurry.set()
            else:
                serving.intake.read(session)
                serving.sender.nudge()
                await serving.reporter.repeat_unless(session.status)
            await self._answers.give(self._listener, serving.reporter)

    @property
    def _listener(self) -> Listener | None:
        return None if self._device_run is None else self._device_run.listener

    async def _wait_until(self, moment: datetime | None) -> None:
        """Wait for a time of day, less if somebody is in a hurry."""
        if moment is None or self._stop is not None:
            return
        left = (moment - self._parts.clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), max(left, 0))

    async def _pause(self, failures: int) -> None:
        self._hurry.clear()
        await self._wait_until(self._parts.clock.now() + _usual_pause(failures))


def _usual_pause(attempt: int) -> timedelta:
    return backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, luck=random.random())


def _cause(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
