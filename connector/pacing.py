"""How fast a session may send: a token bucket with jitter, pure, time handed in."""

from __future__ import annotations

_BURST = 5
"""So many may follow each other at once after a pause."""


class Pace:
    """A session's pace; 0 messages per minute is no limit."""

    def __init__(self, messages_per_minute: int, now: float) -> None:
        self._interval = 60 / messages_per_minute if messages_per_minute else 0.0
        self._tokens = float(_BURST)
        self._at = now

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._interval > 0

    def wait(self, now: float, luck: float) -> float:
        """Give the seconds until the next message may go; `luck` (0 to 1) makes them up to half longer."""
        if not self._interval:
            return 0.0
        self._refill(now)
        missing = max(0.0, 1.0 - self._tokens)
        return missing * self._interval * (1 + luck / 2)

    def spend(self, now: float) -> None:
        """Say that a message goes now."""
        if self._interval:
            self._refill(now)
            self._tokens -= 1

    def _refill(self, now: float) -> None:
        self._tokens = min(_BURST, self._tokens + (now - self._at) / self._interval)
        self._at = now
