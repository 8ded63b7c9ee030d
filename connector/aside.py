"""Messages that wait without holding up others, each behind those of its own chat: pure bookkeeping.

They are known by place, chat and time alone: a session may have thousands of them.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from infra.contract.ids import OutboundRef
    from infra.contract.jid import Jid
    from infra.contract.message import Outbound


class Waiting(NamedTuple):
    """A queued message that was set aside."""

    chat: Jid
    ref: OutboundRef
    expires_at: datetime


class Aside:
    """What was set aside, by place."""

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}
        self._of_chat: Counter[Jid] = Counter()

    def __bool__(self) -> bool:
        """Tell whether anything waits."""
        return bool(self._waiting)

    @property
    def places(self) -> list[int]:
        """The places of all, in order."""
        return sorted(self._waiting)

    def put(self, message: Outbound) -> None:
        """Set a message aside."""
        self._waiting[message.ref.seq] = Waiting(message.to, message.ref, message.expires_at)
        self._of_chat[message.to] += 1

    def drop(self, place: int) -> None:
        """Forget one."""
        if (waiting := self._waiting.pop(place, None)) is not None:
            self._of_chat[waiting.chat] -= 1
            if not self._of_chat[waiting.chat]:
                del self._of_chat[waiting.chat]

    def holds(self, chat: Jid) -> bool:
        """Tell whether one of this chat waits, so that later ones have to as well."""
        return self._of_chat[chat] > 0

    def overdue(self, now: datetime) -> list[Waiting]:
        """Give those whose time is over."""
        return [each for each in self._waiting.values() if each.expires_at <= now]

    def first(self, limit: int, may_go: Callable[[Jid, OutboundRef], bool]) -> list[Waiting]:
        """Give the first that may go, none before an earlier one of its chat."""
        chosen: list[Waiting] = []
        stuck: set[Jid] = set()
        for place in self.places:
            if len(chosen) == limit:
                break
            chat, ref, _ = waiting = self._waiting[place]
            if chat not in stuck and may_go(chat, ref):
                chosen.append(waiting)
            else:
                stuck.add(chat)
        return chosen
