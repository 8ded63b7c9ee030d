"""How fast a session sends."""

from __future__ import annotations

from connector.pacing import Pace


def test_a_pace_lets_a_few_go_and_then_one_at_a_time() -> None:
    pace = Pace(60, now=0)

    waits = []
    for _ in range(6):
        waits.append(pace.wait(0))
        pace.spend(0, luck=0)

    assert waits == [0, 0, 0, 0, 0, 1]
    assert pace.wait(1) == 1
    assert pace.wait(2) == 0


def test_luck_makes_the_pause_after_a_message_up_to_half_longer() -> None:
    pace = Pace(60, now=0, burst=1)

    pace.spend(0, luck=1)

    assert pace.wait(0) == 1.5


def test_without_a_limit_nobody_waits() -> None:
    pace = Pace(0, now=0)

    for _ in range(1000):
        pace.spend(0, luck=1)

    assert not pace.is_limited
    assert pace.wait(0) == 0
