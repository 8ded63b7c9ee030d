"""One session while it is served here: its device from start to start, and what its customer wants."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from connector.answers import STOPPED, Answers
from connector.auth_blob import AuthBlob
from connector.hosts import HostStartError
from connector.ledger import Ledger
from connector.listener import Listener
from connector.pacing import Pace
from connector.patience import backoff, persistently
from connector.receipts import Receipts
from connector.reporter import Reporter, SupersededError
from connector.sender import Sender
from connector.serving import Serving
from connector.verdicts import HOST_CRASHED, SILENT, Next
from infra.aws.errors import LostError
from infra.contract.queues import NudgeReason
from infra.contract.session import Desired, SessionStatus

if TYPE_CHECKING:
    from connector.hosts import HostedDevice
    from connector.parts import Parts
    from connector.verdicts import Verdict
    from infra.contract.ids import SessionId
    from infra.contract.session import Session

_log = logging.getLogger(__name__)

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=2)
_STOP_SECONDS = 12.0
_SILENCE_SECONDS = 60.0
_LOOK_SECONDS = 5.0
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
        self._listener: Listener | None = None
        self._sender: Sender | None = None

    def nudge(self, reason: NudgeReason | None = None) -> None:
        """Look at what the table says of the session: all of it, or what the reason names."""
        if reason in (None, NudgeReason.SEND) and self._sender is not None:
            self._sender.nudge()
        if reason is NudgeReason.DESIRED_CHANGED:
            self._hurry.set()
        if reason not in (NudgeReason.SEND, NudgeReason.CANCEL):
            self._look.set()

    @property
    def was_nudged(self) -> bool:
        """Whether there was reason to look that nobody has followed yet."""
        return self._look.is_set()

    def stop(self, why: Stop) -> None:
        """Stop serving; `run` returns when that is done."""
        self._stop = self._stop or why
        self._hurry.set()
        if self._listener is not None:
            self._listener.end(None)

    async def run(self) -> None:
        """Serve the session. This is the border of one session: what goes wrong in here harms no other."""
        failures = 0
        while self._stop is None:
            try:
                await self._serve()
            except* (SupersededError, LostError) as superseded:
                _log.warning("session_superseded", extra={"session": self._id, "cause": _cause(superseded)})
                self._stop = Stop.UNWANTED
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
        parts = self._parts
        blob = AuthBlob(
            session, parts.settings.devices_folder, parts.blobs, fence=self._fence, clock=parts.clock
        )
        complete = await blob.prepare()
        ledger = Ledger(session, parts.outbox, parts.sessions, fence=self._fence, clock=parts.clock)
        async with ledger:
            serving = self._serving(session, blob, ledger)
            serving.sender.known_since = 0 if complete else self._fence
            await self._serve_with(serving)

    def _serving(self, session: Session, blob: AuthBlob, ledger: Ledger) -> Serving:
        parts, receipts = self._parts, Receipts()
        sender = Sender(
            ledger,
            receipts,
            database=blob.database,
            ahead=parts.settings.send_ahead,
            pace=Pace(parts.settings.messages_per_minute, parts.clock.monotonic()),
            clock=parts.clock,
        )
        reporter = Reporter(session, parts.sessions, fence=self._fence)
        return Serving(
            id=self._id,
            blob=blob,
            ledger=ledger,
            receipts=receipts,
            sender=sender,
            reporter=reporter,
            events=parts.events,
            clock=parts.clock,
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
        reporter = serving.reporter
        while self._stop is None:
            verdict = await self._one_start(serving)
            if verdict is None:
                break
            if verdict.next is Next.FORGET:
                await serving.blob.delete()
                await reporter.logged_out(verdict.reason, serving.clock.now())
                await self._answers.logged_out()
                return
            await reporter.lost(verdict, serving.clock.now())
            if verdict.next is Next.GIVE_UP:
                return
            await self._pause(reporter.attempts, at_least=verdict.pause)
        if self._stop is Stop.DRAINED:
            await reporter.handed_over()

    async def _one_start(self, serving: Serving) -> Verdict | None:
        """Hold the device until it needs an end; give why, None if it was asked to."""
        try:
            device = await self._parts.hosts.start(serving.blob.database)
        except HostStartError as error:
            _log.error("device_host_not_started", extra={"cause": str(error)})
            return HOST_CRASHED
        listener = self._listener = Listener(serving, device)
        listening = asyncio.create_task(listener.listen())
        try:
            await serving.reporter.starting(linked=serving.blob.is_linked())
            return await self._ending(listener, listening)
        finally:
            self._listener = None
            await serving.sender.finish()
            device.stop()
            await self._until_stopped(device, listening)
            await serving.blob.save(final=True)

    async def _until_stopped(self, device: HostedDevice, listening: asyncio.Task[None]) -> None:
        """Wait until nothing of a device runs, or else the next start would be a second socket of it."""
        try:
            await asyncio.wait_for(listening, _STOP_SECONDS)
        except TimeoutError:
            _log.error("device_hangs", extra={"session": self._id})
            await device.kill_host()
        finally:
            device.forget()

    async def _ending(self, listener: Listener, listening: asyncio.Task[None]) -> Verdict | None:
        if self._stop is not None:
            return None
        while not listener.ending.done():
            either: list[asyncio.Future[Any]] = [listener.ending, listening]
            await asyncio.wait(either, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening  # raises what it raised
            since = listener.waiting_since
            if since is not None and self._parts.clock.monotonic() - since > _SILENCE_SECONDS:
                listener.end(SILENT)
        return listener.ending.result()

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
            else:
                await serving.reporter.repeat_unless(session.status)
            await self._answers.give(self._listener, serving.reporter)

    async def _pause(self, attempt: int, *, at_least: timedelta = timedelta()) -> None:
        """Wait before the next try, less if somebody is in a hurry."""
        self._hurry.clear()
        if self._stop is not None:
            return
        usual = backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, luck=random.random())
        pause = max(usual, at_least)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), pause.total_seconds())


def _cause(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
