"""Which messages have to wait because of whom they are for: WhatsApp minds how strangers are written to.

While the account is restricted, only chats that wrote to it may be written to. And new chats, in which
nothing has passed yet, may have a pace of their own. Groups are no strangers.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.contract.jid import GROUP_SERVER
from infra.contract.session import Restriction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.pacing import Pace
    from infra.aws.chats import Chats
    from infra.contract.clock import Clock
    from infra.contract.ids import OutboundRef
    from infra.contract.jid import Jid
    from infra.contract.session import Session

_REMEMBERED = 20_000
_LOOK_SECONDS = 5.0
_IN_FLIGHT = timedelta(seconds=5)
"""So long what is read of the session may be older than its restriction."""


class Strangers:
    """One session's rules, and what is known of its chats. `learn` asks the table, `may_go` decides."""

    def __init__(self, session: Session, chats: Chats, *, pace: Pace, lasts: timedelta, clock: Clock) -> None:
        self._restriction = session.restriction
        self._id = session.id
        self._chats = chats
        self._pace = pace
        self._lasts = lasts
        self._clock = clock
        self._wrote: dict[Jid, bool] = {}
        self._is_first: dict[tuple[Jid, OutboundRef], bool] = {}

    @property
    def restricted(self) -> bool:
        """Whether a restriction stands."""
        return self._restriction is not None and self._restriction.until > self._clock.now()

    @property
    def pause(self) -> float:
        """The seconds until it is worth asking again for one that had to wait."""
        return min(_LOOK_SECONDS, self._pace.wait(self._clock.monotonic()) or _LOOK_SECONDS)

    def restrict(self, code: str) -> Restriction:
        """Let a restriction begin, for as long as is usual: WhatsApp names no end."""
        now = self._clock.now()
        self._restriction = Restriction(code, now, now + self._lasts)
        return self._restriction

    def read(self, restriction: Restriction | None) -> None:
        """Take in what the table says: a customer's start ends a restriction."""
        known = self._restriction
        if restriction is None and known is not None and self._clock.now() - known.since < _IN_FLIGHT:
            return
        self._restriction = restriction

    def heard_from(self, chat: Jid) -> None:
        """Say that somebody in this chat wrote."""
        self._wrote[chat] = True

    async def learn(self, messages: Iterable[tuple[Jid, OutboundRef]]) -> None:
        """Learn what has to be known to decide on these."""
        if len(self._wrote) + len(self._is_first) > _REMEMBERED:
            self._wrote.clear()
            self._is_first.clear()
        to_people = {each for each in messages if each[0].server != GROUP_SERVER}
        questions = []
        if self.restricted:
            questions += [
                self._ask_wrote(chat) for chat in {chat for chat, _ in to_people} - self._wrote.keys()
            ]
        if self._pace.is_limited:
            questions += [self._ask_first(*each) for each in to_people - self._is_first.keys()]
        await asyncio.gather(*questions)

    def may_go(self, chat: Jid, ref: OutboundRef) -> bool:
        """Decide on a message that was learned of; True spends what its pace allows."""
        if chat.server == GROUP_SERVER or self._wrote.get(chat):
            return True
        if self.restricted:
            return False
        if not self._pace.is_limited or not self._is_first.get((chat, ref)):
            return True
        now = self._clock.monotonic()
        if self._pace.wait(now) > 0:
            return False
        self._pace.spend(now, random.random())
        return True

    async def _ask_wrote(self, chat: Jid) -> None:
        wrote = await persistently(self._chats.wrote, self._id, chat)
        self._wrote[chat] = wrote or self._wrote.get(chat, False)

    async def _ask_first(self, chat: Jid, ref: OutboundRef) -> None:
        self._is_first[chat, ref] = await persistently(self._chats.begins_with, self._id, chat, ref)
