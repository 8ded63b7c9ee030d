"""The one thread through which every start and stop of neonize goes: they write to Go maps without a lock."""

from __future__ import annotations

import itertools
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_Turn = tuple[bool, int, "Callable[[], None]", "Future[None]"]


class Lane:
    """Does one thing at a time: ends before beginnings, else in the order of asking."""

    def __init__(self) -> None:
        self._turns: queue.PriorityQueue[_Turn] = queue.PriorityQueue()
        self._numbers = itertools.count()
        threading.Thread(target=self._run, daemon=True, name="lane").start()

    def begin(self, act: Callable[[], None]) -> Future[None]:
        """Have something started, after whatever is to be stopped."""
        return self._take_turn(act, is_beginning=True)

    def end(self, act: Callable[[], None]) -> None:
        """Have something stopped, before whatever is to be started; returns when it is done."""
        self._take_turn(act, is_beginning=False).result()

    def _take_turn(self, act: Callable[[], None], *, is_beginning: bool) -> Future[None]:
        done: Future[None] = Future()
        self._turns.put((is_beginning, next(self._numbers), act, done))
        return done

    def _run(self) -> None:
        while True:
            _, _, act, done = self._turns.get()
            try:
                act()
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                done.set_exception(error)
            else:
                done.set_result(None)
