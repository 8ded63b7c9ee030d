"""Waiting: what a customer prefers, and how often the table is read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_plane.waiting import LONGEST_PAUSE, MAX_WAIT, Patience, preferred_wait
from tests.api.gateway import SettableClock


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('wait="5"', 5),
        ("respond-async, wait=5", 5),
        ("wait=5; foo, bar", 5),
        ("wait=0", 0),
        ("wait=999999999", MAX_WAIT.seconds),
    ],
)
def test_a_wait_is_read_from_the_preferences_and_capped(prefer: str, seconds: int) -> None:
    assert preferred_wait(prefer) == timedelta(seconds=seconds)


@pytest.mark.parametrize("prefer", [None, "", "await=5", "wait", "wait=", "wait=-1", "wait=five", "wait=5x"])
def test_what_is_no_wait_is_no_preference(prefer: str | None) -> None:
    assert preferred_wait(prefer) is None


async def test_pauses_grow_and_the_last_one_ends_in_time() -> None:
    clock, pauses = SettableClock(), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        clock.go_on(seconds)

    await Patience(clock, sleep).until(lambda _value: False, lambda: None, within=MAX_WAIT)

    assert pauses[:-1] == sorted(pauses[:-1])
    assert max(pauses) <= LONGEST_PAUSE.total_seconds()
    assert sum(pauses) == pytest.approx(MAX_WAIT.total_seconds())
    assert len(pauses) < 40


async def test_what_is_done_already_is_read_once() -> None:
    reads: list[int] = []

    def read() -> int:
        reads.append(1)
        return len(reads)

    value = await Patience(SettableClock()).until(lambda _value: True, read, within=MAX_WAIT)

    assert (value, len(reads)) == (1, 1)
