"""Which messages of one session's outbox come next: in order, at its pace, strangers' when they may."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from connector.aside import Aside
from connector.ledger import Claim
from connector.patience import persistently
from connector.places import HOLD
from infra.contract.message import OutboundStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from connector.ledger import Ledger
    from connector.pacing import Pace
    from connector.strangers import Strangers
    from infra.aws.outbox import Outbox
    from infra.contract.clock import Clock
    from infra.contract.message import Outbound
    from infra.contract.session import Session

_LOOK_AGAIN_SECONDS = 1.0
_PAGE = 100


class Intake:
    """Claims what is to be sent. A message to a stranger who has to wait is set aside and holds up nobody."""

    def __init__(  # noqa: PLR0913 - what is there, what is known, and three rules of how fast
        self,
        session: Session,
        outbox: Outbox,
        ledger: Ledger,
        *,
        strangers: Strangers,
        pace: Pace,
        ahead: int,
        clock: Clock,
    ) -> None:
        self.ahead = 1 if pace.is_limited else ahead
        """So many are claimed at once."""
        self._id = session.id
        self._given = session.seq
        self._outbox = outbox
        self._ledger = ledger
        self._strangers = strangers
        self._pace = pace
        self._clock = clock
        self._aside = Aside()
        self._look_aside = False
        """Whether some of those set aside may have been cancelled."""

    @property
    def patience(self) -> float | None:
        """The seconds after which it is worth looking again though nobody nudges; None for never."""
        places = self._ledger.places
        pauses = []
        if places.any_empty():
            pauses.append(HOLD if places.any_fresh(self._clock.monotonic()) else _LOOK_AGAIN_SECONDS)
        if self._ledger.is_behind:
            pauses.append(_LOOK_AGAIN_SECONDS)
        if self._aside:
            pauses.append(self._strangers.pause)
        return min(pauses, default=None)

    @property
    def pause(self) -> float:
        """The seconds until the session's pace allows the next message."""
        return self._pace.wait(self._clock.monotonic())

    def read(self, session: Session) -> None:
        """Take in what the table says of the session now, and see soon what was cancelled."""
        self._given = max(self._given, session.seq)
        self._look_aside = True
        self._strangers.read(session.restriction)

    async def restricted(self, code: str) -> None:
        """Take in that WhatsApp restricts the account."""
        await self._ledger.restricted(self._strangers.restrict(code))

    async def claim(self) -> list[Claim]:
        """Claim the next messages, in order; those that somebody began to send are given as they are."""
        await self._ledger.keep_up()
        claims = await self._claim_aside()
        while len(claims) < self.ahead:
            found = await self._unseen()
            passing, any_taken = await self._passing(found, self.ahead - len(claims))
            claimed = await asyncio.gather(*map(self._claim, passing))
            claims += [claim for claim in claimed if claim is not None]
            if len(found) < _PAGE or not any_taken:
                break
        for claim in claims:
            if claim.unsent:
                self._pace.spend(self._clock.monotonic(), random.random())
        return claims

    async def claim_again(self, message: Outbound, *, left_as: Sequence[str] = ()) -> list[Claim]:
        """Claim one more attempt for a message that is in hand; nothing if it has to wait, or is not ours.

        `left_as` are the ids under which it may have left before: receipts for them will find it.
        """
        if left_as:
            await self._ledger.remember(message, left_as)
        if not await self.still_may_go([Claim(message, unsent=True)]):
            return []
        again = await self._ledger.claim_again(message)
        return [again] if again else []

    async def still_may_go(self, claims: Sequence[Claim]) -> list[Claim]:
        """Give back and set aside those that have to wait because of a restriction; give the others."""
        if not self._strangers.restricted:
            return list(claims)
        await self._strangers.learn((each.message.to, each.message.ref) for each in claims)
        left = []
        for claim in claims:
            if not claim.unsent or self._strangers.may_go(claim.message.to, claim.message.ref):
                left.append(claim)
            elif (back := await self._ledger.give_back(claim.message)) is not None:
                self._aside.put(back)
        return left

    async def expire(self) -> None:
        """Record what expired unsent: the backlog has to shrink, though nothing can be sent now."""
        await self._expire_aside()
        now = self._clock.now()
        for message in await self._unseen():
            if message.at(now).status is not OutboundStatus.EXPIRED:
                break
            if self._ledger.places.take(message.ref.seq, self._clock.monotonic()):
                await self._ledger.expired(message.ref)
        await self._ledger.keep_up()

    async def _unseen(self) -> list[Outbound]:
        """Read the next of those that are not in hand; when there are none, what is empty is known to be."""
        places, now = self._ledger.places, self._clock.monotonic()
        after, given = places.read_after(now), self._given
        found = await persistently(
            self._outbox.pending, self._id, after=after, limit=_PAGE, only=places.is_open
        )
        if not found:
            places.given(given, now)
        return found

    async def _passing(self, found: Sequence[Outbound], room: int) -> tuple[list[Outbound], bool]:
        """Take in hand what there is room for; give those that may go, and whether any was taken."""
        await self._strangers.learn((message.to, message.ref) for message in found)
        now = self._clock.monotonic()
        passing: list[Outbound] = []
        any_taken = False
        for message in found:
            if len(passing) == room:
                break
            if not self._ledger.places.take(message.ref.seq, now):
                continue
            any_taken = True
            begun = message.status is OutboundStatus.SENDING
            if begun or (
                not self._aside.holds(message.to) and self._strangers.may_go(message.to, message.ref)
            ):
                passing.append(message)
            else:
                self._aside.put(message)
        return passing, any_taken

    async def _claim(self, message: Outbound) -> Claim | None:
        if message.status is OutboundStatus.SENDING:
            return Claim(message, unsent=False)
        if message.expires_at <= self._clock.now():
            await self._ledger.expired(message.ref)
            return None
        return await self._ledger.claim_again(message)

    async def _claim_aside(self) -> list[Claim]:
        if not self._aside:
            return []
        await self._expire_aside()
        if self._look_aside and self._aside:
            self._look_aside = False
            for place in await self._ledger.close(self._aside.places):
                self._aside.drop(place)
        claims = []
        for waiting in self._aside.first(self.ahead, self._strangers.may_go):
            self._aside.drop(waiting.ref.seq)
            message = await persistently(self._outbox.find, self._id, waiting.ref)
            claim = None if message is None else await self._claim(message)
            if claim is None:
                self._ledger.places.done(waiting.ref.seq)
            else:
                claims.append(claim)
        return claims

    async def _expire_aside(self) -> None:
        for waiting in self._aside.overdue(self._clock.now()):
            self._aside.drop(waiting.ref.seq)
            await self._ledger.expired(waiting.ref)
