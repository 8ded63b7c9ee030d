"""Which device host is emptied."""

from __future__ import annotations

from connector.recycling import SETTLED, HostState, to_empty

MB = 1_000_000


def a_host(
    devices: int, *, age: float = SETTLED, memory: int | None = 70 * MB, is_suspected: bool = False
) -> HostState:
    return HostState(devices, age, memory, is_suspected)


def chosen(*hosts: HostState) -> int | None:
    return to_empty(hosts, capacity=50, ceiling=200 * MB)


def test_a_host_above_the_ceiling_is_emptied() -> None:
    assert chosen(a_host(50), a_host(50, memory=201 * MB)) == 1


def test_a_host_that_is_too_large_from_the_start_is_left_for_a_while() -> None:
    assert chosen(a_host(50), a_host(50, memory=300 * MB, age=SETTLED - 1)) is None


def test_a_host_whose_memory_is_unknown_is_left() -> None:
    assert chosen(a_host(50, memory=None)) is None


def test_the_smallest_host_moves_into_the_room_beside_it() -> None:
    assert chosen(a_host(40), a_host(9), a_host(8)) == 2


def test_a_small_host_stays_when_there_is_no_room_beside_it() -> None:
    assert chosen(a_host(45), a_host(8)) is None


def test_a_small_host_is_not_moved_into_an_idle_one() -> None:
    assert chosen(a_host(8), a_host(0)) is None


def test_suspects_neither_move_nor_get_company() -> None:
    assert chosen(a_host(20, is_suspected=True), a_host(3)) is None
    assert chosen(a_host(20), a_host(3, is_suspected=True)) is None


def test_hosts_that_are_well_filled_stay() -> None:
    assert chosen(a_host(30), a_host(13)) is None
