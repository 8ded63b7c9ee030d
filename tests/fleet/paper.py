"""Event loops on a paper clock: sleeping takes no time, and calls in threads are made by the test.

The real `LeaseKeeper` runs on them unchanged. A loop that is not run is a process that is stopped.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Call = Callable[[], Any]

_EPOCH = datetime(2026, 1, 31, tzinfo=UTC)


class PaperClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Give the time of day."""
        return _EPOCH + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Give the seconds since the beginning."""
        return self.seconds


class PaperLoop(asyncio.SelectorEventLoop):
    """An event loop on a paper clock.

    When there is nothing to do, it asks `on_idle`, with the seconds until there is or None; a call for a
    thread is handed to `on_call`, with the future of its answer.
    """

    def __init__(
        self,
        clock: PaperClock,
        on_idle: Callable[[PaperLoop, float | None], None],
        on_call: Callable[[PaperLoop, Call, asyncio.Future[Any]], None],
    ) -> None:
        self._clock = clock
        self._on_call = on_call
        self.timers_run = True
        super().__init__(_IdleSelector(lambda seconds: on_idle(self, seconds)))

    def time(self) -> float:
        """Give the clock's time; a time before all timers when they are to run no more."""
        return self._clock.seconds if self.timers_run else -1.0

    def run_in_executor(  # type: ignore[override]
        self,
        executor: Any,  # noqa: ARG002
        func: Callable[..., Any],
        *args: Any,
    ) -> asyncio.Future[Any]:
        """Hand a call to `on_call`."""
        answer = self.create_future()
        self._on_call(self, lambda: func(*args), answer)
        return answer


class _IdleSelector(selectors.SelectSelector):
    """Waits for nothing: it says that there is nothing to do."""

    def __init__(self, on_idle: Callable[[float | None], None]) -> None:
        super().__init__()
        self._on_idle = on_idle

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout > 0:
            self._on_idle(timeout)
        return []


def answer(future: asyncio.Future[Any], call: Call) -> Callable[[], None]:
    """Make a call; give what tells its result to who waits for it, if anybody still does."""
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is for who asked
        return _unless_done(future, future.set_exception, error)
    return _unless_done(future, future.set_result, result)


def _unless_done(future: asyncio.Future[Any], tell: Callable[[Any], None], what: Any) -> Callable[[], None]:
    return lambda: None if future.done() else tell(what)
