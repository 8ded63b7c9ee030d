"""Whatever happens to three connectors: one writes a shard at a time, none is left alone, nobody fights."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.fleet.world import SETTINGS, World

if TYPE_CHECKING:
    from tests.fleet.world import Process

SHARDS = 7
SLOTS = st.integers(0, 2)
_LONGEST_STOP = 12.0
_LEASE, _LOOK = SETTINGS.lease_duration.total_seconds(), SETTINGS.look_every.total_seconds()
_UNSERVED = _LONGEST_STOP + 1.5 * _LEASE + 2 * _LOOK + 1
"""The longest, in seconds, that nobody serves a shard while no fault comes and a connector is well."""
_SETTLED = 90.0
"""After so many seconds without a fault, shares are fair and nothing moves any more."""


class Fleet(RuleBasedStateMachine):
    """Three places, in each of which a connector may run, and all that may go wrong with it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SHARDS)
        self.places: list[Process] = [self.world.start() for _ in range(3)]
        self.fault_at = 0.0
        self.unserved_since: dict[int, float] = dict.fromkeys(range(SHARDS), 0.0)
        self.well_since = 0.0

    @rule(seconds=st.sampled_from([0.03, 0.3, 1, 2.5, 4, 7.1, 9, 11, 30]))
    def wait(self, seconds: float) -> None:
        end = self.world.clock.seconds + seconds
        while self.world.clock.seconds < end:
            self.world.advance(min(0.5, end - self.world.clock.seconds))
            self._watch()

    @rule(slot=SLOTS)
    def kill(self, slot: int) -> None:
        self._fault()
        self.places[slot].kill()

    @rule(slot=SLOTS)
    def start(self, slot: int) -> None:
        if not self.places[slot].runs:
            self._fault()
            self.places[slot] = self.world.start()

    @rule(slot=SLOTS)
    def leave(self, slot: int) -> None:
        process = self.places[slot]
        if process.runs and not process.leaving:
            self._fault()
            process.leave()

    @rule(slot=SLOTS)
    def pause_or_wake(self, slot: int) -> None:
        self._fault()
        self.places[slot].paused = not self.places[slot].paused

    @rule(slot=SLOTS)
    def lose_the_table_or_find_it(self, slot: int) -> None:
        self._fault()
        self.places[slot].requests_lost = not self.places[slot].requests_lost

    @rule(slot=SLOTS)
    def lose_answers_or_hear_them(self, slot: int) -> None:
        self._fault()
        self.places[slot].answers_lost = not self.places[slot].answers_lost

    @rule(slot=SLOTS, seconds=st.sampled_from([0.02, 1.7, 2.5, 8]))
    def be_slow(self, slot: int, seconds: float) -> None:
        self._fault()
        self.places[slot].latency = seconds

    @rule(slot=SLOTS, seconds=st.sampled_from([0.1, 1.0, _LONGEST_STOP]))
    def stop_devices_slowly(self, slot: int, seconds: float) -> None:
        self.places[slot].stop_seconds = seconds

    @rule(alive=st.sets(SLOTS, min_size=1))
    @precondition(lambda self: self.world.clock.seconds > self.fault_at)
    def settle(self, alive: set[int]) -> None:
        self._fault()
        for slot, process in enumerate(self.places):
            self._heal(slot, process) if slot in alive else process.kill()
        before = self.world.table.asked["take"]
        self.wait(_SETTLED)
        taken = self.world.table.asked["take"]
        self.wait(30)

        served = [len(process.served) for process in self.places if process.runs]
        assert sum(served) == SHARDS
        assert max(served) - min(served) <= 1, f"unfair: {served}"
        assert taken - before <= 4 * SHARDS, "a storm"
        assert self.world.table.asked["take"] == taken, "it does not come to rest"

    @invariant()
    def watch(self) -> None:
        self._watch()

    def teardown(self) -> None:
        self.world.close()

    def _heal(self, slot: int, process: Process) -> None:
        if process.runs and not process.leaving:
            process.paused = process.requests_lost = process.answers_lost = False
            process.latency, process.stop_seconds = 0.02, 1.0
        else:
            process.kill()
            self.places[slot] = self.world.start()

    def _fault(self) -> None:
        self.fault_at = self.world.clock.seconds

    def _watch(self) -> None:
        now = self.world.clock.seconds
        if not any(process.is_well for process in self.places):
            self.well_since = now
        serving = {shard for process in self.places if not process.paused for shard in process.served}
        for shard in range(SHARDS):
            if shard in serving:
                self.unserved_since[shard] = now
            alone = now - max(self.unserved_since[shard], self.fault_at, self.well_since)
            assert alone <= _UNSERVED, f"{shard} alone for {alone:.1f} s: {self.world.table.stored[shard]}"


@pytest.mark.timeout(0)
def test_three_connectors_share_whatever_happens_to_them() -> None:
    logging.getLogger("connector").setLevel(logging.CRITICAL)
    examples = int(os.environ.get("ROOST_FLEET_EXAMPLES", "40"))

    run_state_machine_as_test(
        Fleet,
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=timedelta(minutes=1),
            suppress_health_check=list(HealthCheck),
        ),
    )
