"""What became of every message, by the fault that it met, and which promises that breaks. Pure."""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.chaos.reading import Read
    from tests.chaos.traffic import Posted, Written

_IN_FLIGHT_SECONDS = 2.0
"""So much older than a fault a message may be, and still count as one that met it."""
_REPORTED = frozenset({"unknown", "failed"})
_PENDING = frozenset({"queued", "sending"})


@dataclass(frozen=True)
class Phase:
    """The time from one fault to the next, and how long it took to recover (None: it never did)."""

    fault: str
    began: float
    seconds: float | None
    may_lose_inbound: bool


@dataclass
class Row:
    """The sums of all phases of one fault."""

    fault: str
    seconds: list[float | None] = field(default_factory=list)
    posted: int = 0
    written: int = 0
    lost_out: int = 0
    lost_in: int = 0
    doubled: int = 0
    unknown: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Seen:
    """What was posted and written, and what became of it."""

    posted: Sequence[Posted]
    written: Sequence[Written]
    reads: Sequence[Read]
    statuses: Mapping[tuple[str, str], str]
    """Of the posted, by session and id."""
    stored: Counter[tuple[str, str]]
    """How often a text of a contact is stored, by session and text."""


class Account:
    """The reckoning: a row for each fault, and a line for each broken promise."""

    def __init__(self, phases: Sequence[Phase], seen: Seen) -> None:
        self.breaches: list[str] = []
        self._phases = phases
        self._rows: dict[str, Row] = {}
        for phase in phases:
            self._row(phase).seconds.append(phase.seconds)
            if phase.seconds is None:
                self.breaches.append(f"{phase.fault}: traffic did not come back")
        self._reckon_outbound(seen)
        self._reckon_inbound(seen)
        self.breaches += out_of_order(seen.posted, seen.reads)

    @property
    def rows(self) -> list[Row]:
        """The rows, in the order in which the faults came first."""
        return list(self._rows.values())

    def _reckon_outbound(self, seen: Seen) -> None:
        reads = Counter((read.text, read.reader) for read in seen.reads)
        for posted in seen.posted:
            row = self._row(self._phase(posted.at))
            status = seen.statuses.get((posted.session, posted.id), "not stored")
            times = [reads[posted.text, reader] for reader in posted.readers]
            row.posted += 1
            row.unknown += status == "unknown"
            row.failed += status == "failed"
            who = f"{posted.session} {posted.id} ({row.fault})"
            if max(times) > 1:
                row.doubled += 1
                self.breaches.append(f"{who} is {status} and was read {max(times)} times")
            if min(times) == 0 and status not in _REPORTED:
                row.lost_out += 1
                self.breaches.append(f"{who} is {status} and was not read")
            elif status in _PENDING:
                self.breaches.append(f"{who} was read and is still {status}")

    def _reckon_inbound(self, seen: Seen) -> None:
        for written in seen.written:
            phase = self._phase(written.at)
            row = self._row(phase)
            times = seen.stored[written.session, written.text]
            row.written += 1
            row.lost_in += times == 0
            if times > 1:
                row.doubled += 1
            if times > 1 or (times == 0 and not phase.may_lose_inbound):
                self.breaches.append(f"{written.text!r} ({row.fault}) is stored {times} times")

    def _phase(self, at: float) -> Phase:
        beginnings = [phase.began - _IN_FLIGHT_SECONDS for phase in self._phases]
        return self._phases[max(0, bisect.bisect(beginnings, at) - 1)]

    def _row(self, phase: Phase) -> Row:
        return self._rows.setdefault(phase.fault, Row(phase.fault))


def out_of_order(posted: Iterable[Posted], reads: Iterable[Read]) -> list[str]:
    """Tell of every text that was first read after a later one of its session."""
    by_text = {each.text: each for each in posted}
    latest: defaultdict[str, int] = defaultdict(int)
    told: list[str] = []
    known: set[str] = set()
    for read in sorted(reads, key=lambda read: read.at):
        this = by_text.get(read.text)
        if this is None or read.text in known:
            continue
        known.add(read.text)
        if this.number < latest[this.session]:
            told.append(f"{this.session} {this.id} was read after a later one")
        latest[this.session] = max(latest[this.session], this.number)
    return told


def table(rows: Sequence[Row]) -> list[str]:
    """Lay the rows out, under a head."""
    head = ("fault", "times", "out", "in", "lost out", "lost in", "doubled", "unknown", "failed", "seconds")
    body = [
        (
            row.fault,
            str(len(row.seconds)),
            *map(str, (row.posted, row.written, row.lost_out, row.lost_in)),
            *map(str, (row.doubled, row.unknown, row.failed)),
            ", ".join("never" if each is None else f"{each:.1f}" for each in row.seconds),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index in (0, len(head) - 1) else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in (head, *body)
    ]
