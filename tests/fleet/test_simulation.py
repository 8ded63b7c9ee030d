"""The simulation in short: a fleet finds its shares again whatever becomes of its members."""

from __future__ import annotations

from tests.fleet.simulation import on_paper


def test_a_fleet_settles_after_deaths_joins_and_a_rolling_restart() -> None:
    figures = {row.what: row for row in on_paper(connectors=8, shards=24, sessions=960, changed=2)}

    assert figures["quiet"].moved == 0
    assert 0 < figures["1 dies"].served_again <= 13
    assert 0 < figures["2 die"].served_again <= 20
    assert figures["1 dies"].moved == 3
    assert figures["3 join"].moved <= 2 * 9
    for row in figures.values():
        assert row.most - row.fewest <= 40, f"{row.what}: more than one shard apart"
