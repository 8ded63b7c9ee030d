"""Waiting for something to become so: `Prefer: wait=N` (RFC 7240), and reads with growing pauses."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

from litestar.params import HeaderParameter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from infra.contract.clock import Clock

T = TypeVar("T")

MAX_WAIT = timedelta(seconds=25)
"""Below the 29 seconds after which API Gateway hangs up."""
FIRST_PAUSE = timedelta(milliseconds=40)
LONGEST_PAUSE = timedelta(seconds=1)
_GROWTH = 1.4

Prefer = Annotated[
    str | None,
    HeaderParameter(
        name="Prefer",
        description=f"`wait=N`: hold the answer up to N seconds, at the most {MAX_WAIT.seconds} (RFC 7240)",
    ),
]

_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(?P<seconds>\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def preferred_wait(prefer: str | None) -> timedelta | None:
    """Read how long the customer is ready to wait; None if the header says nothing about it."""
    match = _WAIT.search(prefer or "")
    return None if match is None else min(timedelta(seconds=int(match["seconds"])), MAX_WAIT)


def applied(wait: timedelta | None) -> dict[str, str]:
    """Give the header that tells which preference was honoured."""
    return {} if wait is None else {"Preference-Applied": f"wait={wait.seconds}"}


class Patience:
    """Reads until something is so or time is up; the pauses grow, so that long waits cost little."""

    def __init__(self, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep

    async def until(self, done: Callable[[T], bool], read: Callable[[], T], *, within: timedelta) -> T:
        """Give the first value that is `done`, or the last one. `read` blocks, so it runs in a thread."""
        deadline = self._clock.monotonic() + within.total_seconds()
        pause = FIRST_PAUSE.total_seconds()
        while True:
            value = await asyncio.to_thread(read)
            left = deadline - self._clock.monotonic()
            if done(value) or left <= 0:
                return value
            await self._sleep(min(pause, left))
            pause = min(pause * _GROWTH, LONGEST_PAUSE.total_seconds())
