"""Which places of an outbox are taken care of: pure bookkeeping, time handed in.

Places are given in order, but the requests that got them may store their messages in another, or never. A
place that stays empty for longer than a request may last stays empty for good; so is a cancelled message's.
"""

from __future__ import annotations

from datetime import timedelta

REQUEST_LASTS = timedelta(seconds=35)
"""The API's time limit and a margin."""
_FRESH = timedelta(seconds=2)
"""A place empty for no longer is looked at each time, one that is so for longer only as often as this."""


class Places:
    """The places above a watermark: empty ones, those in hand, and those that are done."""

    def __init__(self, watermark: int) -> None:
        self._highest = watermark
        self._empty_since: dict[int, float] = {}
        self._in_hand: set[int] = set()
        self._looked_at = 0.0

    def take(self, place: int, now: float) -> bool:
        """Take a place in hand; False if it was taken before."""
        if place > self._highest:
            self._empty_since |= dict.fromkeys(range(self._highest + 1, place), now)
            self._highest = place
        elif self._empty_since.pop(place, None) is None:
            return False
        self._in_hand.add(place)
        return True

    def done(self, place: int) -> None:
        """Say that what was in hand has left the outbox."""
        self._in_hand.discard(place)

    def any_empty(self, now: float) -> bool:
        """Tell whether a place may still be filled that is below others."""
        since = now - REQUEST_LASTS.total_seconds()
        self._empty_since = {place: at for place, at in self._empty_since.items() if at > since}
        return bool(self._empty_since)

    def read_after(self, now: float) -> int:
        """Give the place after which to read next."""
        if not self.any_empty(now):
            return self._highest
        fresh = max(self._empty_since.values()) > now - _FRESH.total_seconds()
        if fresh or self._looked_at <= now - _FRESH.total_seconds():
            self._looked_at = now
            return min(self._empty_since) - 1
        return self._highest

    def watermark(self, now: float) -> int:
        """Give the place up to which all have left the outbox."""
        self.any_empty(now)
        return min((*self._empty_since, *self._in_hand), default=self._highest + 1) - 1
