"""What the table is told of one session's outbox: claims, outcomes, and now and then the watermark."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Self

from connector.patience import persistently
from connector.places import Places

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from types import TracebackType

    from infra.aws.outbox import Outbox
    from infra.aws.sessions import Sessions
    from infra.contract.clock import Clock
    from infra.contract.ids import OutboundRef
    from infra.contract.message import Outbound
    from infra.contract.session import Restriction, Session

_WATERMARK_SECONDS = 1.0
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
        self.places = Places(session.done_seq)
        self._id = session.id
        self._outbox = outbox
        self._sessions = sessions
        self._fence = fence
        self._clock = clock
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
        return self.places.watermark()

    @property
    def is_behind(self) -> bool:
        """Whether the table's watermark can be moved, now or in a moment."""
        return bool(self._unrecorded) or self.places.watermark() > self._watermark

    async def keep_up(self) -> None:
        """Close what stays empty and move the watermark, if that was not done just now."""
        now = self._clock.monotonic()
        if now - self._watermark_at < _WATERMARK_SECONDS:
            return
        if abandoned := self.places.abandoned(now):
            await self.close(abandoned)
        await self._move_watermark()

    async def close(self, places: Collection[int]) -> set[int]:
        """Be done with those of these places where nothing is to be sent, now or ever; give them."""
        closed = await persistently(self._outbox.close, self._id, places, now=self._clock.now())
        for place in closed:
            self.places.done(place)
        return closed

    async def remember(self, message: Outbound, wa_ids: Sequence[str]) -> None:
        """Record under which ids a message may have left: receipts for them will find it."""
        await persistently(self._outbox.remember, message, wa_ids)

    async def claim_again(self, message: Outbound) -> Claim | None:
        """Claim one more attempt for a message; None if it is not ours to send any more."""
        claimed = await persistently(self._outbox.mark_sending, message, fence=self._fence)
        if claimed is None:
            self.places.done(message.ref.seq)
            return None
        return Claim(claimed, unsent=True)

    async def give_back(self, message: Outbound) -> Outbound | None:
        """Make a claimed message queued again; None if it is not ours any more."""
        back = await persistently(self._outbox.give_back, message, fence=self._fence)
        if back is None:
            self.places.done(message.ref.seq)
        return back

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
        self.places.done(message.ref.seq)

    async def expired(self, ref: OutboundRef) -> None:
        """Record that a message's time is over."""
        await persistently(self._outbox.mark_expired, self._id, ref, fence=self._fence)
        self.places.done(ref.seq)

    async def unknown(self, message: Outbound, *, wa_ids: Sequence[str]) -> None:
        """Record that nobody can tell whether a message has left, and under which ids it would have."""
        if len(wa_ids) > 1:
            await self.remember(message, wa_ids)
        wa_id = wa_ids[-1] if wa_ids else None
        await persistently(self._outbox.mark_unknown, self._id, message.ref, wa_id=wa_id, fence=self._fence)
        self.places.done(message.ref.seq)

    async def restricted(self, restriction: Restriction) -> None:
        """Record that WhatsApp restricts the account."""
        await persistently(self._sessions.restrict, self._id, restriction, fence=self._fence)

    async def _record_sent(self, message: Outbound, wa_id: str, at: datetime) -> None:
        try:
            await persistently(
                self._outbox.mark_sent, self._id, message.ref, wa_id=wa_id, at=at, fence=self._fence
            )
            self.places.done(message.ref.seq)
        finally:
            self._unrecorded.pop(wa_id, None)
            self._room.release()

    async def _move_watermark(self) -> None:
        self._watermark_at = self._clock.monotonic()
        up_to = self.places.watermark()
        if up_to <= self._watermark:
            return
        moved = await persistently(
            self._sessions.move_watermark, self._id, since=self._watermark, up_to=up_to, fence=self._fence
        )
        if moved:
            self._watermark = up_to
        elif (session := await persistently(self._sessions.find, self._id, consistent=True)) is not None:
            self._watermark = session.done_seq  # it may well be our own write, whose answer was lost
