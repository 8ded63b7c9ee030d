"""Finding the device that makes its host die."""

from __future__ import annotations

import random
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connector.suspects import QUIET, Suspects


class Fleet:
    """Devices in hosts, placed by the rule, as `DeviceHosts` does it."""

    def __init__(self, capacity: int) -> None:
        self.suspects = Suspects(capacity)
        self.hosts: list[list[str]] = []
        self.now = 0.0

    def start(self, device: str) -> list[str]:
        """Put a device into the fullest host that it may join, or a new one."""
        open_to_it = [host for host in self.hosts if self.suspects.may_join(device, host, self.now)]
        host = max(open_to_it, key=len, default=None)
        if host is None:
            host = []
            self.hosts.append(host)
        host.append(device)
        return host

    def crash(self, host: list[str], *, from_outside: bool = False) -> None:
        """End a host; give time for the next start."""
        self.hosts.remove(host)
        self.now += 5
        self.suspects.died(host, self.now, from_outside=from_outside)


@given(
    capacity=st.integers(1, 200),
    hosts=st.floats(0.01, 3),
    patience=st.floats(0, 1),
    seed=st.integers(0, 2**32),
)
def test_the_cause_is_set_apart_within_the_bound_and_no_innocent_ever_is(
    capacity: int, hosts: float, patience: float, seed: int
) -> None:
    luck = random.Random(seed)
    devices = [f"device-{number}" for number in range(max(1, int(capacity * hosts)))]
    cause = luck.choice(devices)
    fleet = Fleet(capacity)
    waiting = luck.sample(devices, len(devices))
    crashes = 0

    while not fleet.suspects.is_apart(cause):
        host_of_cause = None
        while waiting and (host_of_cause is None or luck.random() < patience):
            device = waiting.pop()
            host = fleet.start(device)
            host_of_cause = host if device == cause else host_of_cause
        assert host_of_cause is not None
        fleet.crash(host_of_cause)
        crashes += 1
        waiting += luck.sample(host_of_cause, len(host_of_cause))

    innocent = [device for device in devices if device != cause]
    for device in {*waiting} - {cause}:
        fleet.start(device)
    assert crashes <= capacity.bit_length() - 1 + 3
    assert not any(fleet.suspects.is_apart(device) for device in innocent)
    assert len(fleet.hosts) <= len(innocent) / capacity + 1 + 2 * crashes


def test_a_host_that_dies_once_is_restarted_at_once_and_then_with_growing_pauses() -> None:
    suspects = Suspects(50)
    pauses = []

    for second in range(12):
        suspects.died(["ada"], second, from_outside=True)
        pauses.append(suspects.pause("ada", luck=0))

    assert pauses[:4] == [timedelta(seconds=seconds) for seconds in (0, 0.5, 1, 2)]
    assert max(pauses) == timedelta(seconds=30)


def test_a_death_from_outside_accuses_nobody() -> None:
    suspects = Suspects(50)

    for second in range(20):
        suspects.died(["ada"], second, from_outside=True)

    assert not suspects.is_apart("ada")
    assert suspects.may_join("bob", ["ada"], 20)


def test_a_device_that_lived_quietly_is_what_it_was_before() -> None:
    suspects = Suspects(50)
    for second in range(2):
        suspects.died(["ada"], second)

    before = suspects.may_join("ada", ["bob"], 1 + QUIET - 1)
    after = suspects.may_join("ada", ["bob"], 1 + QUIET)
    suspects.died(["ada"], 1 + QUIET)

    assert (before, after) == (False, True)
    assert not suspects.is_apart("ada")


def test_who_is_set_apart_stays_so_until_it_gets_another_chance_alone() -> None:
    suspects = Suspects(2)
    for second in range(3):
        suspects.died(["ada"], second)
    suspects.died([], QUIET * 3)
    stayed = suspects.is_apart("ada")

    suspects.give_another_chance("ada", QUIET * 3)

    assert stayed
    assert not suspects.is_apart("ada")
    assert not suspects.may_join("ada", ["bob"], QUIET * 3)
    assert suspects.may_join("ada", [], QUIET * 3)


def test_those_who_were_in_as_many_deaths_share_a_host_and_others_stay_away() -> None:
    suspects = Suspects(4)
    suspects.died(["ada", "bob", "cyd"], 0)

    assert suspects.may_join("ada", ["bob"], 1)
    assert not suspects.may_join("ada", ["bob", "cyd"], 1)
    assert not suspects.may_join("dan", ["bob"], 1)
