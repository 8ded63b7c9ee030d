"""Leases: one connector takes each, renews it while it holds it, and learns when it has lost it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest

from infra.aws.clients import Clients
from infra.aws.connectors import Connectors
from infra.aws.leases import Leases
from infra.contract.ids import ConnectorId
from infra.contract.leases import ConnectorRecord, Lease
from tests.aws.builders import NOW
from tests.aws.lost_answers import first_answer_lost

ME = ConnectorId("c-me")
OTHER = ConnectorId("c-other")


@pytest.fixture
def leases(clients: Clients) -> Leases:
    """The leases of two shards, not taken yet."""
    leases = Leases(clients)
    leases.ensure()
    return leases


def test_there_is_a_lease_for_every_shard(leases: Leases) -> None:
    assert leases.all() == [Lease(0), Lease(1)]


def test_making_the_leases_again_changes_none(leases: Leases) -> None:
    taken = leases.take(Lease(0), ME)

    leases.ensure()

    assert leases.all() == [taken, Lease(1)]


def test_more_shards_get_leases_and_fewer_hide_some(leases: Leases, clients: Clients) -> None:
    more = Leases(Clients(msgspec.structs.replace(clients.settings, shards=4)))

    more.ensure()

    assert [lease.shard for lease in more.all()] == [0, 1, 2, 3]
    assert [lease.shard for lease in leases.all()] == [0, 1]


def test_taking_raises_the_fence(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None

    theirs = leases.take(mine, OTHER)

    assert mine == Lease(0, holder=ME, beat=1, fence=1)
    assert theirs == Lease(0, holder=OTHER, beat=2, fence=2)


def test_of_two_who_take_what_they_saw_one_gets_it(leases: Leases) -> None:
    seen = leases.all()[0]

    mine = leases.take(seen, ME)
    theirs = leases.take(seen, OTHER)

    assert mine is not None
    assert theirs is None
    assert leases.all()[0].holder == ME


def test_of_twenty_who_take_at_once_one_gets_it(embedded: Clients) -> None:
    leases = Leases(embedded)
    leases.ensure()

    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(lambda n: leases.take(Lease(0), ConnectorId(f"c-{n}")), range(20)))

    winners = [lease for lease in taken if lease is not None]
    assert len(winners) == 1
    assert leases.all()[0] == winners[0]


def test_a_lease_that_was_renewed_since_cannot_be_taken(leases: Leases) -> None:
    seen = leases.take(Lease(0), ME)
    assert seen is not None
    leases.renew(seen)

    assert leases.take(seen, OTHER) is None


def test_renewing_moves_the_beat_and_not_the_fence(leases: Leases) -> None:
    taken = leases.take(Lease(0), ME)
    assert taken is not None

    renewed = leases.renew(taken)

    assert renewed == Lease(0, holder=ME, beat=2, fence=1)
    assert leases.all()[0] == renewed


def test_the_loser_learns_it_at_its_next_renewal(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None
    leases.take(mine, OTHER)

    assert leases.renew(mine) is None


def test_a_released_lease_can_be_taken_at_once_with_the_next_fence(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None

    leases.release(mine)
    free = leases.all()[0]
    theirs = leases.take(free, OTHER)

    assert free.holder is None
    assert theirs is not None
    assert theirs.fence == 2


def test_releasing_a_lost_lease_does_not_disturb_its_holder(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None
    theirs = leases.take(mine, OTHER)

    leases.release(mine)

    assert leases.all()[0] == theirs


def test_a_lease_that_nobody_holds_is_neither_renewed_nor_released(leases: Leases) -> None:
    leases.release(Lease(0))

    assert leases.renew(Lease(0)) is None
    assert leases.all()[0] == Lease(0)


def test_taking_and_renewing_know_their_own_success_again(leases: Leases, clients: Clients) -> None:
    with first_answer_lost(clients, "UpdateItem"):
        taken = leases.take(Lease(0), ME)
    assert taken is not None
    with first_answer_lost(clients, "UpdateItem"):
        renewed = leases.renew(taken)

    assert renewed == leases.all()[0]


def test_a_wish_is_seen_and_moves_neither_beat_nor_fence(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None

    wished = leases.wish(mine, OTHER)
    renewed = leases.renew(mine)

    assert wished
    assert renewed is not None
    assert leases.all()[0] == msgspec.structs.replace(renewed, wanted_by=OTHER)


def test_a_wish_is_for_the_holder_that_was_seen(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None
    leases.release(mine)

    assert not leases.wish(mine, OTHER)
    assert not leases.wish(Lease(1), OTHER)


def test_what_is_released_is_kept_for_who_wished_and_taking_ends_the_wish(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None
    leases.wish(mine, OTHER)

    leases.release(mine)
    free = leases.all()[0]
    leases.take(free, OTHER)

    assert (free.holder, free.wanted_by) == (None, OTHER)
    assert leases.all()[0] == Lease(0, OTHER, beat=3, fence=2)


def test_only_ones_own_wish_is_withdrawn(leases: Leases) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None
    leases.wish(mine, OTHER)

    leases.withdraw(mine, ME)
    still = leases.all()[0].wanted_by
    leases.withdraw(mine, OTHER)

    assert still == OTHER
    assert leases.all()[0].wanted_by is None


def test_releasing_twice_the_answer_being_lost_is_releasing_once(leases: Leases, clients: Clients) -> None:
    mine = leases.take(Lease(0), ME)
    assert mine is not None

    with first_answer_lost(clients, "UpdateItem"):
        leases.release(mine)

    assert leases.all()[0] == Lease(0, beat=2, fence=1)


def test_connectors_are_listed_as_they_told_last(clients: Clients) -> None:
    connectors = Connectors(clients)
    old = ConnectorRecord(ME, "host", 17, "0.1.0", NOW, NOW)
    young = ConnectorRecord(OTHER, "host", 18, "0.1.0", NOW + timedelta(minutes=1), NOW)
    connectors.put(young)
    connectors.put(old)

    connectors.put(msgspec.structs.replace(old, sessions=5))

    assert connectors.list(NOW) == [msgspec.structs.replace(old, sessions=5), young]
    assert connectors.list(NOW + timedelta(hours=1)) == []


def test_a_connector_that_drained_is_forgotten(clients: Clients) -> None:
    connectors = Connectors(clients)
    connectors.put(ConnectorRecord(ME, "host", 17, "0.1.0", NOW, NOW))

    connectors.remove(ME)
    connectors.remove(ME)

    assert connectors.list(NOW) == []
