"""What the table is told of one session's outbox: claims, outcomes, and now and then the watermark."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, NamedTuple, Self

from connector.patience import persistently
from connector.places import HOLD, Places
from infra.contract.message import OutboundStatus

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from types import TracebackType

    from infra.aws.outbox import Outbox
    from infra.aws.sessions import Sessions
    from infra.contract.clock import Clock
    from infra.contract.message import Outbound
    from infra.contract.session import Session

_WATERMARK_SECONDS = 1.0
_LOOK_AGAIN_SECONDS = 1.0
_UNRECORDED = 60
"""So many sends may be ahead of their records; then sending waits."""


class Claim(NamedTuple):
    """A message that is ours to send, and whether it has certainly not left yet."""

    message: Outbound
    unsent: bool


class Ledger:
    """An async context manager; when it is left, every outcome is recorded."""

    def __init__(
        self, session: Session, outbox: Outbox, sessions: Sessions, *, fence: int, clock: Clock
    ) -> None:
        self._id = session.id
        self._outbox = outbox
        self._sessions = sessions
        self._fence = fence
        self._clock = clock
        self._places = Places(session.done_seq)
        self._watermark = session.done_seq
        self._watermark_at = clock.monotonic()
        self._unrecorded: dict[str, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_UNRECORDED)
        self._recording = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Begin to record."""
        await self._recording.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Record what is left."""
        await self._recording.__aexit__(kind, error, trace)
        if error is None:
            await self._move_watermark()

    @property
    def done_seq(self) -> int:
        """Everything up to this place has left the outbox, and the table says so."""
        return self._places.watermark(self._clock.monotonic())

    @property
    def patience(self) -> float | None:
        """The seconds after which it is worth looking again though nobody nudges; None for never."""
        now = self._clock.monotonic()
        if self._places.any_empty(now):
            return HOLD if self._places.any_fresh(now) else _LOOK_AGAIN_SECONDS
        return _LOOK_AGAIN_SECONDS if self._places.watermark(now) > self._watermark else None

    async def claim(self, limit: int) -> list[Claim]:
        """Claim the next messages, in order; those that somebody began to send are given as they are."""
        now = self._clock.monotonic()
        if now - self._watermark_at >= _WATERMARK_SECONDS:
            await self._move_watermark()
        after = self._places.read_after(now)
        found = await persistently(self._outbox.pending, self._id, after=after, limit=4 * limit)
        fresh = (message for message in found if self._places.take(message.ref.seq, now))
        claimed = await asyncio.gather(*map(self._claim, itertools.islice(fresh, limit)))
        return [claim for claim in claimed if claim is not None]

    async def claim_again(self, message: Outbound) -> Claim | None:
        """Claim one more attempt for a message; None if it is not ours to send any more."""
        claimed = await persistently(self._outbox.mark_sending, message, fence=self._fence)
        if claimed is None:
            self._places.done(message.ref.seq)
            return None
        return Claim(claimed, unsent=True)

    async def sent(self, message: Outbound, *, wa_id: str, at: datetime) -> None:
        """Have it recorded that a message was sent; waits only while too many records are outstanding."""
        await self._room.acquire()
        self._unrecorded[wa_id] = self._recording.create_task(self._record_sent(message, wa_id, at))

    async def recorded(self, wa_ids: Collection[str]) -> None:
        """Wait until the sending of these messages is recorded, so that their receipts find them."""
        tasks = [self._unrecorded[wa_id] for wa_id in wa_ids if wa_id in self._unrecorded]
        if tasks:
            await asyncio.wait(tasks)

    async def failed(self, message: Outbound, error: str) -> None:
        """Record that a message was not and will not be sent."""
        await persistently(self._outbox.mark_failed, self._id, message.ref, error=error, fence=self._fence)
        self._places.done(message.ref.seq)

    async def expired(self, message: Outbound) -> None:
        """Record that a message's time is over."""
        await persistently(self._outbox.mark_expired, self._id, message.ref, fence=self._fence)
        self._places.done(message.ref.seq)

    async def unknown(self, message: Outbound, *, wa_id: str | None) -> None:
        """Record that nobody can tell whether a message has left, and under which id it would have."""
        await persistently(self._outbox.mark_unknown, self._id, message.ref, wa_id=wa_id, fence=self._fence)
        self._places.done(message.ref.seq)

    async def _claim(self, message: Outbound) -> Claim | None:
        if message.status is OutboundStatus.SENDING:
            return Claim(message, unsent=False)
        if message.expires_at <= self._clock.now():
            await self.expired(message)
            return None
        return await self.claim_again(message)

    async def _record_sent(self, message: Outbound, wa_id: str, at: datetime) -> None:
        try:
            await persistently(
                self._outbox.mark_sent, self._id, message.ref, wa_id=wa_id, at=at, fence=self._fence
            )
            self._places.done(message.ref.seq)
        finally:
            self._unrecorded.pop(wa_id, None)
            self._room.release()

    async def _move_watermark(self) -> None:
        self._watermark_at = self._clock.monotonic()
        up_to = self._places.watermark(self._watermark_at)
        if up_to <= self._watermark:
            return
        moved = await persistently(
            self._sessions.move_watermark, self._id, since=self._watermark, up_to=up_to, fence=self._fence
        )
        if moved:
            self._watermark = up_to
        elif (session := await persistently(self._sessions.find, self._id, consistent=True)) is not None:
            self._watermark = session.done_seq  # it may well be our own write, whose answer was lost
