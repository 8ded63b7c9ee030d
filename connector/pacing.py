"""How fast a session may send: a token bucket with jitter, pure, time handed in."""

from __future__ import annotations


class Pace:
    """A pace with pauses of chance; 0 a minute is no limit. `burst` many may follow each other at once."""

    def __init__(self, per_minute: int, now: float, *, burst: int = 5) -> None:
        self._interval = 60 / per_minute if per_minute else 0.0
        self._burst = burst
        self._tokens = float(burst)
        self._at = now

    @property
    def is_limited(self) -> bool:
        """Whether there is a limit."""
        return self._interval > 0

    def wait(self, now: float) -> float:
        """Give the seconds until the next may go."""
        if not self._interval:
            return 0.0
        self._refill(now)
        return max(0.0, 1.0 - self._tokens) * self._interval

    def spend(self, now: float, luck: float) -> None:
        """Say that one goes now; `luck` (0 to 1) makes the pause after it up to half longer."""
        if self._interval:
            self._refill(now)
            self._tokens -= 1 + luck / 2

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + (now - self._at) / self._interval)
        self._at = now
