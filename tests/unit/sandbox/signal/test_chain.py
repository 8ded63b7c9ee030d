"""Chains give each message's seed once, in any order, within limits."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.signal.chain import MAX_AHEAD, MAX_SKIPPED, Chain
from infra.sandbox.signal.errors import DuplicateMessageError, TooFarAheadError

if TYPE_CHECKING:
    from collections.abc import Iterator

START = Chain(bytes(32))


def seeds() -> Iterator[bytes]:
    chain = START
    while True:
        seed, chain = chain.next()
        yield seed


@given(order=st.permutations(range(12)))
def test_seeds_are_the_same_in_any_order(order: list[int]) -> None:
    in_order = list(islice(seeds(), 12))
    chain = START

    for counter in order:
        seed, chain = chain.at(counter)

        assert seed == in_order[counter]

    assert chain.counter == 12
    assert not chain.skipped


@given(order=st.permutations(range(6)), again=st.integers(0, 5))
def test_a_seed_is_given_once(order: list[int], again: int) -> None:
    chain = START
    for counter in order:
        _, chain = chain.at(counter)

    with pytest.raises(DuplicateMessageError):
        chain.at(again)


def test_a_step_leaves_the_chain_before_it_as_it_was() -> None:
    _, chain = START.at(5)

    chain.at(2)
    chain.at(9)

    assert chain.counter == 6
    assert sorted(chain.skipped) == [0, 1, 2, 3, 4]
    assert START.counter == 0
    assert not START.skipped


def test_it_skips_as_many_as_allowed_and_no_more() -> None:
    START.at(MAX_AHEAD)

    with pytest.raises(TooFarAheadError):
        START.at(MAX_AHEAD + 1)


def test_the_oldest_of_too_many_skipped_seeds_are_forgotten() -> None:
    _, chain = START.at(MAX_AHEAD)

    _, chain = chain.at(MAX_AHEAD + 11)

    assert len(chain.skipped) == MAX_SKIPPED
    assert min(chain.skipped) == 10
    with pytest.raises(DuplicateMessageError):
        chain.at(9)
