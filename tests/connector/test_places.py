"""The bookkeeping of an outbox's places."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.places import ABANDONED, HOLD, Places


def test_places_are_taken_once() -> None:
    places = Places(watermark=3)

    taken = [places.take(place, now=0) for place in (3, 4, 4, 5)]

    assert taken == [False, True, False, True]
    assert places.read_after(now=0) == 5


def test_an_empty_place_holds_up_those_after_it_for_a_moment() -> None:
    places = Places(watermark=0)

    assert not places.take(2, now=10)
    assert places.take(1, now=10.1)
    assert places.take(2, now=10.1)


def test_a_place_that_stays_empty_holds_up_nobody() -> None:
    places = Places(watermark=0)
    places.take(2, now=10)

    assert places.take(2, now=10 + HOLD)
    assert places.read_after(now=10 + HOLD) == 0


def test_a_place_filled_late_is_still_taken() -> None:
    places = Places(watermark=0)
    places.take(2, now=0)
    places.take(2, now=1)

    assert places.take(1, now=20)


def test_an_old_empty_place_is_looked_at_now_and_then_only() -> None:
    places = Places(watermark=0)
    places.take(2, now=100)
    places.take(2, now=101)

    looks = [places.read_after(now) for now in (110, 110.5, 111, 112.5)]

    assert looks == [0, 2, 2, 0]


def test_the_watermark_stops_before_what_is_in_hand_or_empty() -> None:
    places = Places(watermark=0)
    for place in (1, 2, 4):
        places.take(place, now=0)
    places.take(4, now=1)

    marks = []
    for place in (2, 1, 4, 3):
        places.done(place)
        marks.append(places.watermark())

    assert marks == [0, 2, 2, 4]


def test_a_place_is_abandoned_when_it_stayed_empty_for_long() -> None:
    places = Places(watermark=0)
    places.given(3, now=0)
    places.take(1, now=1)

    assert places.abandoned(now=ABANDONED - 1) == []
    assert places.abandoned(now=ABANDONED) == [2, 3]


def test_places_that_are_known_to_be_given_are_looked_at() -> None:
    places = Places(watermark=2)

    places.given(4, now=0)

    assert places.read_after(now=0) == 2
    assert [place for place in range(1, 7) if places.is_open(place)] == [3, 4, 5, 6]


@given(st.permutations(range(1, 13)))
def test_in_whatever_order_places_are_filled_each_is_taken_once_and_in_order(filled: list[int]) -> None:
    places, there, taken = Places(watermark=0), set[int](), list[int]()

    for number, place in enumerate(filled):
        there.add(place)
        now = number * 0.01
        after = places.read_after(now)
        taken += [each for each in sorted(there) if each > after and places.take(each, now)]

    assert taken == sorted(filled)
