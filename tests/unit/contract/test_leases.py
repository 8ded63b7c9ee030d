"""How connectors share the shards."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease, fair_share, leases_to_take

ANN, BEN, CAT = (ConnectorId(name) for name in ("ann", "ben", "cat"))


def held(*holders: ConnectorId | None) -> list[Lease]:
    return [Lease(shard, holder) for shard, holder in enumerate(holders)]


def test_a_lone_connector_takes_everything() -> None:
    leases = held(None, None, None)

    assert leases_to_take(leases, me=ANN, live=[], expired=[]) == leases


def test_nobody_takes_more_than_the_fair_share() -> None:
    taken = leases_to_take(held(None, None, None, None), me=ANN, live=[BEN], expired=[])

    assert len(taken) == fair_share(4, 2) == 2


def test_expired_leases_come_before_any_theft() -> None:
    taken = leases_to_take(held(BEN, BEN, CAT), me=ANN, live=[BEN], expired=[2])

    assert [lease.shard for lease in taken] == [2]


def test_the_poor_steal_one_at_a_time_from_the_richest() -> None:
    taken = leases_to_take(held(BEN, BEN, BEN, CAT), me=ANN, live=[BEN, CAT], expired=[])

    assert [lease.holder for lease in taken] == [BEN]


def test_nobody_steals_what_would_only_swap_rich_and_poor() -> None:
    assert leases_to_take(held(BEN, ANN, BEN), me=ANN, live=[BEN], expired=[]) == []


@given(st.integers(1, 40), st.integers(1, 8), st.randoms(use_true_random=False))
def test_taking_turns_ends_with_equal_shares_and_then_rests(shards: int, count: int, random: object) -> None:
    connectors = [ConnectorId(f"c{number}") for number in range(count)]
    leases = held(*[random.choice([None, *connectors]) for _ in range(shards)])  # type: ignore[attr-defined]

    for _ in range(shards + 2):
        moved = 0
        for me in connectors:
            for lease in leases_to_take(leases, me=me, live=connectors, expired=[]):
                leases[lease.shard] = msgspec.structs.replace(lease, holder=me)
                moved += 1
        if not moved:
            break

    shares = Counter(lease.holder for lease in leases)
    assert moved == 0
    assert None not in shares
    assert max(shares.values()) - min(shares.get(name, 0) for name in connectors) <= 1
