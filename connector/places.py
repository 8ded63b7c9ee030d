"""Which places of an outbox are taken care of: pure bookkeeping, time handed in.

Places are given in order, but the requests that got them may store their messages in another, or never. A
place that is empty holds up those after it for a moment, so that they are sent in order. One that stays empty
for longer than a request may last stays empty for good; so is a cancelled message's.
"""

from __future__ import annotations

REQUEST_LASTS = 35.0
"""The seconds of the API's time limit, and a margin."""
HOLD = 0.3
"""The seconds for which an empty place holds up those after it."""
_FRESH = 2.0
"""A place empty for no more seconds is looked at each time; an older one only as often as this."""


class Places:
    """The places above a watermark: empty ones, those in hand, and those that are done."""

    def __init__(self, watermark: int) -> None:
        self._highest = watermark
        self._empty_since: dict[int, float] = {}
        self._in_hand: set[int] = set()
        self._looked_at = 0.0

    def take(self, place: int, now: float) -> bool:
        """Take a place in hand; False if it was taken before, or has to wait for one before it."""
        if place > self._highest:
            self._empty_since |= dict.fromkeys(range(self._highest + 1, place + 1), now)
            self._highest = place
        if place not in self._empty_since:
            return False
        if any(before < place and now - since < HOLD for before, since in self._empty_since.items()):
            return False
        del self._empty_since[place]
        self._in_hand.add(place)
        return True

    def done(self, place: int) -> None:
        """Say that what was in hand has left the outbox."""
        self._in_hand.discard(place)

    def any_empty(self, now: float) -> bool:
        """Tell whether a place may still be filled that is below others."""
        since = now - REQUEST_LASTS
        self._empty_since = {place: at for place, at in self._empty_since.items() if at > since}
        return bool(self._empty_since)

    def any_fresh(self, now: float) -> bool:
        """Tell whether a place has become empty only lately."""
        return any(now - since < _FRESH for since in self._empty_since.values())

    def read_after(self, now: float) -> int:
        """Give the place after which to read next."""
        if not self.any_empty(now):
            return self._highest
        if self.any_fresh(now) or now - self._looked_at >= _FRESH:
            self._looked_at = now
            return min(self._empty_since) - 1
        return self._highest

    def watermark(self, now: float) -> int:
        """Give the place up to which all have left the outbox."""
        self.any_empty(now)
        return min((*self._empty_since, *self._in_hand), default=self._highest + 1) - 1
