"""Faults on order: what goes wrong for whom, how often and how long."""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable


class FaultKind(enum.StrEnum):
    """Everything that can be made to go wrong. The effects stand in the README's table."""

    CLOSE = "close"
    STREAM_ERROR_503 = "stream-error-503"
    RESTART_515 = "restart-515"
    REPLACED = "replaced"
    LOGGED_OUT = "logged-out"
    TEMPORARY_BAN = "temporary-ban"
    CLIENT_OUTDATED = "client-outdated"
    SEND_ERROR_463 = "send-error-463"
    DROP_ACK = "drop-ack"
    DROP_RECEIPT = "drop-receipt"
    SLOW_ACK = "slow-ack"
    MEDIA_ERROR = "media-error"
    OFFLINE = "offline"


class Fault(msgspec.Struct):
    """One order. It ends after `count` uses or `seconds`, whichever is first.

    For `slow-ack`, `seconds` is how late each acknowledgement comes.
    """

    number: str | None
    """Whose; None for everybody's."""
    kind: FaultKind
    count: int | None = None
    seconds: float | None = None
    until: float | None = None


class Faults:
    """The orders that stand."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._standing: list[Fault] = []

    def order(self, fault: Fault, *, times: int = 1) -> None:
        """Let a fault stand from now on: so many times, if it says neither how often nor how long."""
        if fault.count is None and (fault.seconds is None or fault.kind is FaultKind.SLOW_ACK):
            fault.count = times
        if fault.seconds is not None and fault.kind is not FaultKind.SLOW_ACK:
            fault.until = self._clock() + fault.seconds
        self._standing.append(fault)

    def clear(self) -> None:
        """Take back all orders."""
        self._standing.clear()

    def use(self, number: str | None, kind: FaultKind) -> Fault | None:
        """Give the fault that is to happen now, counting one use; None when nothing is to go wrong.

        Without a number, only faults for everybody happen.
        """
        if not self._standing:
            return None
        self._drop_ended()
        for fault in self._standing:
            if fault.kind is kind and fault.number in {None, number}:
                if fault.count is not None:
                    fault.count -= 1
                return fault
        return None

    def remaining(self, fault: Fault) -> float:
        """Give the seconds until a fault ends by itself; 0 when it does not."""
        return 0.0 if fault.until is None else max(0.0, fault.until - self._clock())

    def _drop_ended(self) -> None:
        now = self._clock()
        self._standing = [
            fault
            for fault in self._standing
            if (fault.until is None or fault.until > now) and (fault.count is None or fault.count > 0)
        ]
