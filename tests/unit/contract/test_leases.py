"""How connectors share the shards."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease, lease_to_wish_for, leases_to_take, leases_to_yield

ANN, BEN, CAT = (ConnectorId(name) for name in ("ann", "ben", "cat"))


def held(*holders: ConnectorId | None) -> list[Lease]:
    return [Lease(shard, holder) for shard, holder in enumerate(holders)]


def test_a_lone_connector_takes_everything() -> None:
    leases = held(None, None, None)

    taken = leases_to_take(leases, me=ANN, live=[], expired=[])

    assert sorted(lease.shard for lease in taken) == [0, 1, 2]


def test_nobody_takes_more_than_the_fair_share() -> None:
    taken = leases_to_take(held(None, None, None, None), me=ANN, live=[BEN], expired=[])

    assert len(taken) == 2


def test_what_stays_untaken_is_taken_beyond_the_fair_share_one_at_a_time() -> None:
    leases = held(ANN, ANN, CAT, CAT)

    share = leases_to_take(leases, me=ANN, live=[ANN, BEN], expired=[2, 3])
    beyond = leases_to_take(leases, me=ANN, live=[ANN, BEN], expired=[2, 3], abandoned=[2, 3])

    assert share == []
    assert len(beyond) == 1


def test_expired_leases_are_taken_and_no_other_of_a_holder() -> None:
    taken = leases_to_take(held(BEN, BEN, CAT), me=ANN, live=[BEN], expired=[2])

    assert [lease.shard for lease in taken] == [2]


def test_the_poor_wish_for_one_lease_of_the_richest() -> None:
    wish = lease_to_wish_for(held(BEN, BEN, BEN, CAT), me=ANN, live=[BEN, CAT])

    assert wish is not None
    assert wish.holder == BEN


def test_nobody_wishes_for_what_would_only_swap_rich_and_poor() -> None:
    assert lease_to_wish_for(held(BEN, ANN, BEN), me=ANN, live=[BEN]) is None


def test_wishes_are_followed_only_as_long_as_the_holder_is_not_the_poorer() -> None:
    leases = [Lease(0, BEN, wanted_by=ANN), Lease(1, BEN, wanted_by=ANN), Lease(2, BEN)]

    yielded = leases_to_yield(leases, me=BEN, live=[ANN, BEN])

    assert len(yielded) == 1


@given(st.integers(1, 40), st.integers(1, 8), st.randoms(use_true_random=False))
def test_taking_turns_ends_with_equal_shares_and_then_rests(shards: int, count: int, random: object) -> None:
    connectors = [ConnectorId(f"c{number}") for number in range(count)]
    leases = held(*[random.choice([None, *connectors]) for _ in range(shards)])  # type: ignore[attr-defined]

    for _ in range(shards * 2 + 4):
        before = list(leases)
        for me in connectors:
            _take_a_turn(leases, me, connectors)
        if leases == before:
            break

    shares = Counter(lease.holder for lease in leases)
    assert leases == before
    assert None not in shares
    assert max(shares.values()) - min(shares.get(name, 0) for name in connectors) <= 1


def _take_a_turn(leases: list[Lease], me: ConnectorId, live: list[ConnectorId]) -> None:
    for lease in leases_to_yield(leases, me=me, live=live):
        leases[lease.shard] = msgspec.structs.replace(lease, holder=None)
    for lease in leases_to_take(leases, me=me, live=live, expired=[]):
        leases[lease.shard] = msgspec.structs.replace(lease, holder=me, wanted_by=None)
    wish = lease_to_wish_for(leases, me=me, live=live)
    if wish is not None:
        leases[wish.shard] = msgspec.structs.replace(wish, wanted_by=me)
