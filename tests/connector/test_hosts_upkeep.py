"""Device hosts that grow, shrink and stand ready: real processes, without neonize."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

from connector.hosts import DeviceHosts
from tests.connector import fake_host
from tests.connector.keeping import FAKE, SOON, age, all_connected, keeping, until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_a_host_above_the_ceiling_is_emptied_and_ended(tmp_path: Path) -> None:
    async with (
        DeviceHosts(
            tmp_path, capacity=5, launcher=FAKE, memory_ceiling=fake_host.LARGE, look_every=SOON
        ) as hosts,
        keeping(hosts, "ada", "bob", "large") as keepers,
    ):
        await all_connected(keepers)
        [first] = hosts.pids()

        age(hosts)
        await until(lambda: first not in hosts.pids())
        await all_connected(keepers)

        assert [keeper.moves for keeper in keepers] == [1, 1, 1]
        assert not any(keeper.deaths for keeper in keepers)
        assert len(hosts.pids()) == 1


async def test_a_host_that_is_too_large_at_once_is_warned_of_and_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def warnings() -> int:
        return [record.msg for record in caplog.records].count("device_host_too_large")

    async with (
        DeviceHosts(
            tmp_path, capacity=5, launcher=FAKE, memory_ceiling=fake_host.LARGE, look_every=SOON
        ) as hosts,
        keeping(hosts, "large") as keepers,
    ):
        await until(lambda: warnings() > 0)
        await asyncio.sleep(5 * SOON.total_seconds())

        assert warnings() == 1
        assert keepers[0].moves == 0


async def test_a_small_host_moves_in_with_another_when_there_is_room(tmp_path: Path) -> None:
    async with (
        DeviceHosts(tmp_path, capacity=4, launcher=FAKE, look_every=SOON) as hosts,
        keeping(hosts, "guest") as guests,
        keeping(hosts, "ada", "bob", "cyd", "dan") as keepers,
    ):
        await all_connected([*guests, *keepers])
        beside = len(hosts.pids())
        guests[0].leave()
        age(hosts)

        await until(lambda: keepers[3].moves == 1)
        await until(lambda: len(hosts.pids()) == 1)
        await all_connected(keepers)

        assert beside == 2
        assert not any(keeper.moves for keeper in keepers[:3])


async def test_a_spare_host_takes_the_devices_of_a_crashed_one(tmp_path: Path) -> None:
    async with (
        DeviceHosts(tmp_path, capacity=5, launcher=FAKE, spares=1, look_every=SOON) as hosts,
        keeping(hosts, "ada", "bob") as keepers,
    ):
        await all_connected(keepers)
        await until(lambda: len(hosts.pids()) == 2)
        first, spare = hosts.pids()

        os.kill(first, signal.SIGKILL)
        await until(lambda: all(keeper.deaths == 1 for keeper in keepers))
        await all_connected(keepers)

        assert len(next(host for host in hosts._hosts if host.pid == spare).devices) == 2
