"""The accounting itself: a message that is lost, doubled or late does not go unnoticed."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.accounting import Account, Phase, Row, Seen
from tests.chaos.reading import Read
from tests.chaos.traffic import Posted, Written

CALM = Phase("none", 0.0, 1.0, may_lose_inbound=False)
KILL = Phase("kill", 100.0, 12.5, may_lose_inbound=True)


def posted(number: int, at: float = 50.0) -> Posted:
    """Give a text that session s posted to contact c."""
    return Posted("s", number, f"text {number}", f"o_{number}", frozenset({"c"}), at)


def read(number: int, at: float = 51.0) -> Read:
    """Give the reading of such a text."""
    return Read("c", f"text {number}", at)


def account(
    texts: list[Posted],
    reads: list[Read],
    *,
    status: str = "delivered",
    written: tuple[Written, ...] = (),
    stored: Counter[tuple[str, str]] | None = None,
) -> Account:
    """Reckon with every text in the same status."""
    statuses = {(text.session, text.id): status for text in texts}
    return Account([CALM, KILL], Seen(texts, written, reads, statuses, stored or Counter()))


def test_what_was_read_once_and_in_order_breaks_no_promise() -> None:
    reckoned = account([posted(1), posted(2, at=120.0)], [read(1), read(2, at=121.0)])

    assert reckoned.breaches == []
    assert reckoned.rows == [Row("none", [1.0], posted=1), Row("kill", [12.5], posted=1)]


def test_a_text_in_flight_when_the_fault_came_counts_as_the_faults() -> None:
    reckoned = account([posted(1, at=99.0)], [read(1)])

    assert [row.posted for row in reckoned.rows] == [0, 1]


def test_a_delivered_text_that_nobody_read_is_lost() -> None:
    reckoned = account([posted(1)], [])

    assert reckoned.breaches == ["s o_1 (none) is delivered and was not read"]
    assert reckoned.rows[0].lost_out == 1


@pytest.mark.parametrize("status", ["unknown", "failed"])
def test_an_unread_text_that_is_reported_so_breaks_no_promise(status: str) -> None:
    reckoned = account([posted(1)], [], status=status)

    assert reckoned.breaches == []
    assert reckoned.rows[0].unknown + reckoned.rows[0].failed == 1


def test_a_text_that_was_read_twice_is_doubled() -> None:
    reckoned = account([posted(1)], [read(1), read(1, at=52.0)])

    assert reckoned.breaches == ["s o_1 (none) is delivered and was read 2 times"]
    assert reckoned.rows[0].doubled == 1


def test_a_text_that_is_still_being_sent_is_told_of() -> None:
    reckoned = account([posted(1)], [read(1)], status="sending")

    assert reckoned.breaches == ["s o_1 (none) was read and is still sending"]


def test_a_text_that_was_read_after_a_later_one_is_out_of_order() -> None:
    reckoned = account([posted(1), posted(2)], [read(2), read(1, at=52.0)])

    assert reckoned.breaches == ["s o_1 was read after a later one"]


def test_only_a_fault_that_says_so_may_lose_what_was_received() -> None:
    written = (Written("s", "before", 50.0), Written("s", "amid", 110.0))

    reckoned = account([], [], written=written)

    assert reckoned.breaches == ["'before' (none) is stored 0 times"]
    assert [row.lost_in for row in reckoned.rows] == [1, 1]


def test_what_is_stored_twice_breaks_a_promise() -> None:
    written = (Written("s", "hello", 110.0),)

    reckoned = account([], [], written=written, stored=Counter({("s", "hello"): 2}))

    assert reckoned.breaches == ["'hello' (kill) is stored 2 times"]


def test_traffic_that_does_not_come_back_breaks_a_promise() -> None:
    stuck = Phase("stuck", 10.0, None, may_lose_inbound=False)

    reckoned = Account([stuck], Seen([], [], [], {}, Counter()))

    assert reckoned.breaches == ["stuck: traffic did not come back"]
