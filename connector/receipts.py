"""The receipts that a session's device saw lately: proof that a message has left."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

_REMEMBERED = 1000


class Receipts:
    """Remembers the latest, and can be waited on for one."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, datetime] = OrderedDict()
        self._news = asyncio.Event()

    def saw(self, wa_ids: Iterable[str], at: datetime) -> None:
        """Remember receipts for these messages."""
        for wa_id in wa_ids:
            self._seen.setdefault(wa_id, at)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        self._news.set()

    async def any_of(self, wa_ids: Collection[str], *, within: float) -> tuple[str, datetime] | None:
        """Give the message of these that a receipt came or comes for, and when; None when time is over."""
        try:
            async with asyncio.timeout(within):
                while not (found := [wa_id for wa_id in wa_ids if wa_id in self._seen]):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return found[0], self._seen[found[0]]
