"""How often and how long a fault that was ordered happens."""

from __future__ import annotations

import pytest

from infra.sandbox.network.faults import Fault, FaultKind, Faults
from tests.unit.sandbox.network.conftest import ADA, BOB

CLOSE, OFFLINE, SLOW = FaultKind.CLOSE, FaultKind.OFFLINE, FaultKind.SLOW_ACK


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time that the faults go by."""
    return Clock()


@pytest.fixture
def faults(clock: Clock) -> Faults:
    """No faults yet."""
    return Faults(clock)


def uses(faults: Faults, kind: FaultKind = CLOSE, number: str | None = ADA, tries: int = 10) -> int:
    """Count how often a fault happens when it could ten times."""
    return sum(faults.use(number, kind) is not None for _ in range(tries))


def test_nothing_goes_wrong_unless_ordered(faults: Faults) -> None:
    assert uses(faults) == 0


@pytest.mark.parametrize(("count", "happens"), [(None, 1), (1, 1), (3, 3)])
def test_a_fault_happens_as_often_as_ordered_and_else_once(
    faults: Faults, count: int | None, happens: int
) -> None:
    faults.order(Fault(ADA, CLOSE, count))

    assert uses(faults) == happens


def test_a_fault_that_does_not_say_how_often_happens_as_often_as_its_orderer_thinks(faults: Faults) -> None:
    faults.order(Fault(ADA, CLOSE), times=4)
    faults.order(Fault(BOB, CLOSE, count=2), times=4)

    assert (uses(faults), uses(faults, number=BOB)) == (4, 2)


def test_a_fault_with_a_duration_happens_every_time_until_then(faults: Faults, clock: Clock) -> None:
    faults.order(Fault(ADA, CLOSE, seconds=60), times=2)

    clock.now += 59.9
    assert uses(faults) == 10
    clock.now += 0.1
    assert uses(faults) == 0


def test_a_fault_ends_by_its_count_or_its_duration_whichever_is_first(faults: Faults, clock: Clock) -> None:
    faults.order(Fault(ADA, CLOSE, count=2, seconds=60))
    faults.order(Fault(BOB, CLOSE, count=2, seconds=60))

    assert uses(faults) == 2
    clock.now += 60
    assert uses(faults, number=BOB) == 0


def test_the_seconds_of_slow_acknowledgements_are_not_how_long_they_stay_slow(
    faults: Faults, clock: Clock
) -> None:
    faults.order(Fault(ADA, SLOW, count=2, seconds=5))
    clock.now += 3600

    slow = faults.use(ADA, SLOW)

    assert slow is not None
    assert slow.seconds == 5
    assert uses(faults, SLOW) == 1


def test_faults_of_one_number_and_kind_touch_no_other(faults: Faults) -> None:
    faults.order(Fault(ADA, CLOSE))

    assert uses(faults, number=BOB) == 0
    assert uses(faults, number=None) == 0
    assert uses(faults, OFFLINE) == 0
    assert uses(faults) == 1


def test_a_fault_for_everybody_is_counted_once_for_all(faults: Faults) -> None:
    faults.order(Fault(None, OFFLINE, count=3))

    assert [uses(faults, OFFLINE, number, 1) for number in (ADA, None, BOB, ADA)] == [1, 1, 1, 0]


def test_orders_of_the_same_fault_add_up(faults: Faults) -> None:
    faults.order(Fault(ADA, CLOSE))
    faults.order(Fault(ADA, CLOSE, count=2))

    assert uses(faults) == 3


def test_all_orders_can_be_taken_back(faults: Faults) -> None:
    faults.order(Fault(ADA, CLOSE, count=5))
    faults.order(Fault(None, OFFLINE, seconds=60))
    faults.clear()

    assert (uses(faults), uses(faults, OFFLINE)) == (0, 0)


def test_the_time_that_remains_is_known(faults: Faults, clock: Clock) -> None:
    lasting, counted = Fault(ADA, CLOSE, seconds=60), Fault(BOB, CLOSE)
    faults.order(lasting)
    faults.order(counted)
    clock.now += 45

    assert (faults.remaining(lasting), faults.remaining(counted)) == (15, 0)
