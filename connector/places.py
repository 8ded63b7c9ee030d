"""Which places of an outbox are taken care of: pure bookkeeping, time handed in.

Places are given in order, but the requests that got them may store their messages in another, or never. A
place that is empty holds up those after it for a moment, so that they are sent in order. One that stays empty
is abandoned: it has to be closed, so that no message can come to stand there any more, before it is done.
"""

from __future__ import annotations

HOLD = 0.3
"""The seconds for which an empty place holds up those after it."""
_FRESH = 2.0
"""A place empty for no more seconds is looked at each time; an older one only as often as this."""
ABANDONED = 10.0
"""The seconds after which an empty place is closed. A request that lasts longer takes another place."""


class Places:
    """The places above a watermark: empty ones, those in hand, and those that are done."""

    def __init__(self, watermark: int) -> None:
        self._highest = watermark
        self._empty_since: dict[int, float] = {}
        self._in_hand: set[int] = set()
        self._looked_at = 0.0

    def given(self, place: int, now: float) -> None:
        """Say that places were given up to this one; those that nobody spoke of yet are empty since now."""
        if place > self._highest:
            self._empty_since |= dict.fromkeys(range(self._highest + 1, place + 1), now)
            self._highest = place

    def is_open(self, place: int) -> bool:
        """Tell whether a place was neither taken in hand nor done."""
        return place > self._highest or place in self._empty_since

    def take(self, place: int, now: float) -> bool:
        """Take a place in hand; False if it was taken before, or has to wait for one before it."""
        self.given(place, now)
        if place not in self._empty_since:
            return False
        if any(before < place and now - since < HOLD for before, since in self._empty_since.items()):
            return False
        del self._empty_since[place]
        self._in_hand.add(place)
        return True

    def done(self, place: int) -> None:
        """Say that a place is left for good, by what was in hand or because it is closed."""
        self._in_hand.discard(place)
        self._empty_since.pop(place, None)

    def abandoned(self, now: float) -> list[int]:
        """Give the places that are empty for so long that they should be closed."""
        return [place for place, since in self._empty_since.items() if now - since >= ABANDONED]

    def any_empty(self) -> bool:
        """Tell whether a place may still be filled that is below others."""
        return bool(self._empty_since)

    def any_fresh(self, now: float) -> bool:
        """Tell whether a place has become empty only lately."""
        return any(now - since < _FRESH for since in self._empty_since.values())

    def read_after(self, now: float) -> int:
        """Give the place after which to read next."""
        if not self._empty_since:
            return self._highest
        if self.any_fresh(now) or now - self._looked_at >= _FRESH:
            self._looked_at = now
            return min(self._empty_since) - 1
        return self._highest

    def watermark(self) -> int:
        """Give the place up to which all have left the outbox."""
        return min((*self._empty_since, *self._in_hand), default=self._highest + 1) - 1
