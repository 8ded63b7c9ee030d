"""Which device makes its host die: pure bookkeeping, time handed in.

Nobody sees which of a host's devices is the cause. So the company of each halves with every death, and none
is put together with a device that was not in as many: the cause is soon alone, dies alone, and after some of
these deaths is set apart. At most log2(capacity) deaths make it lonely, and each of them leaves at most three
hosts where one was: the innocent half, the suspected half, and one odd device.
A death from outside (SIGKILL: an operator's, or the kernel's when memory is short) accuses nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.patience import backoff

if TYPE_CHECKING:
    from collections.abc import Collection

QUIET = timedelta(minutes=10).total_seconds()
"""A device that lived for so long is what it was before."""
_LONELY_DEATHS = 3
_FIRST_PAUSE = timedelta(seconds=0.5)
_LONGEST_PAUSE = timedelta(seconds=30)


@dataclass
class _Record:
    """What is held against a device."""

    died_at: float
    deaths: int = 0
    accusations: int = 0
    alone: int = 0


class Suspects:
    """The devices whose hosts died lately, named as their user likes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._records: dict[str, _Record] = {}

    def died(self, devices: Collection[str], now: float, *, from_outside: bool = False) -> None:
        """Say that a host died with these devices in it."""
        self._forget(now)
        for device in devices:
            record = self._records.setdefault(device, _Record(now))
            record.died_at = now
            record.deaths += 1
            record.accusations += not from_outside
            record.alone += not from_outside and len(devices) == 1

    def may_join(self, device: str, others: Collection[str], now: float) -> bool:
        """Tell whether a device may be started in a host with these others."""
        self._forget(now)
        accusations = self._accusations(device)
        return len(others) < max(1, self._capacity >> accusations) and all(
            self._accusations(other) == accusations for other in others
        )

    def is_apart(self, device: str) -> bool:
        """Tell whether a device is set apart: it must not be started until somebody asks for it."""
        return device in self._records and self._records[device].alone >= _LONELY_DEATHS

    def pause(self, device: str, *, luck: float) -> timedelta:
        """Give the pause before its next start: none after the first death, then growing."""
        record = self._records.get(device)
        if record is None or record.deaths == 1:
            return timedelta()
        return backoff(record.deaths - 1, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, luck=luck)

    def give_another_chance(self, device: str, now: float) -> None:
        """Let a device that is set apart try again, alone."""
        if self.is_apart(device):
            self._records[device].died_at = now
            self._records[device].alone = 0

    def any_lately(self, devices: Collection[str], now: float) -> bool:
        """Tell whether anything is held against any of these."""
        self._forget(now)
        return any(device in self._records for device in devices)

    def _accusations(self, device: str) -> int:
        return self._records[device].accusations if device in self._records else 0

    def _forget(self, now: float) -> None:
        """Forgive those that lived; who is set apart had no occasion to."""
        self._records = {
            device: record
            for device, record in self._records.items()
            if now - record.died_at < QUIET or self.is_apart(device)
        }
