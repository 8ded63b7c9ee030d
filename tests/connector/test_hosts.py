"""Device hosts that die or cannot start: real processes, whose devices do as they are named."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.device_host.protocol import Connected, ReceiptSeen
from connector.hosts import DeviceHosts, HostDied
from tests.connector import fake_host
from tests.connector.conftest import heard
from tests.connector.keeping import FAKE, all_connected, keeping, until
from tests.connector.test_device_host import a_text

if TYPE_CHECKING:
    import pytest


def written_errors(folder: Path) -> list[Path]:
    """Give the files that hosts wrote their errors to: they may hold anything, and go with their host."""
    return list(folder.glob("*.stderr"))


async def test_a_crash_is_noticed_by_the_devices_of_that_host_alone(tmp_path: Path) -> None:
    async with (
        DeviceHosts(tmp_path, capacity=5, launcher=FAKE) as hosts,
        keeping(hosts, *(f"device-{number}" for number in range(10))) as keepers,
    ):
        await all_connected(keepers)
        first, second = hosts.pids()

        os.kill(first, signal.SIGKILL)
        await until(lambda: sum(keeper.deaths for keeper in keepers) == 5)
        await all_connected(keepers)

        assert second in hosts.pids()
        assert len(hosts.pids()) == 2


async def test_the_first_restart_does_not_wait(tmp_path: Path) -> None:
    async with DeviceHosts(tmp_path, capacity=5, launcher=FAKE) as hosts:
        device = await hosts.start(Path("ada"))
        await heard(device, Connected)

        os.kill(hosts.pids()[0], signal.SIGKILL)

        assert await heard(device, HostDied) == HostDied(timedelta(), set_apart=False)


async def test_a_host_that_hangs_is_killed_and_its_devices_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.host_process._ASK_SECONDS", 0.5)
    async with (
        DeviceHosts(tmp_path, capacity=1, launcher=FAKE) as hosts,
        keeping(hosts, "ada", "bob") as keepers,
    ):
        await all_connected(keepers)
        first, second = hosts.pids()

        os.kill(first, signal.SIGSTOP)
        await until(lambda: keepers[0].deaths == 1)
        await all_connected(keepers)

        assert hosts.pids()[0] == second
        assert keepers[1].deaths == 0
    [died] = [record for record in caplog.records if record.msg == "device_host_died"]
    assert died.last_words == "it hung"  # type: ignore[attr-defined]
    assert written_errors(tmp_path) == []


async def test_a_host_that_is_not_listened_to_is_not_taken_for_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.host_process._ASK_SECONDS", 0.2)
    async with DeviceHosts(tmp_path, capacity=1, launcher=FAKE) as hosts:
        device = await hosts.start(Path("talkative"))
        await asyncio.sleep(10 * 0.2)

        last = await heard(device, ReceiptSeen, number=fake_host.CHATTER)

        assert last.wa_ids == (str(fake_host.CHATTER - 1),)
        assert len(hosts.pids()) == 1


async def test_the_device_that_kills_its_hosts_is_set_apart_and_its_company_lives_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    innocent = [f"device-{number}" for number in range(7)]
    async with (
        DeviceHosts(tmp_path, capacity=4, launcher=FAKE) as hosts,
        keeping(hosts, *innocent[:2], "deadly", *innocent[2:]) as keepers,
    ):
        deadly = keepers.pop(2)

        async with asyncio.timeout(60):
            await deadly.set_apart.wait()
        await all_connected(keepers)

        assert deadly.deaths <= 2 + 3
        assert not any(keeper.deaths for keeper in keepers[3:])  # they were in another host
    assert [record.session for record in caplog.records if record.msg == "device_set_apart"] == ["deadly"]  # type: ignore[attr-defined]


async def test_a_host_that_cannot_start_is_tried_with_growing_pauses_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = []
    async with DeviceHosts(tmp_path, capacity=5, launcher=("false",)) as hosts:
        for _ in range(8):
            hosts._launch_from = 0.0
            device = await hosts.start(Path("ada"))
            pauses.append((await heard(device, HostDied)).pause.total_seconds())

    for number, pause in enumerate(pauses):
        assert min(60, 2**number) / 2 - 0.5 <= pause <= min(60, 2**number)
    assert [record.msg for record in caplog.records].count("device_host_cannot_start") == 1


async def test_no_process_is_started_before_the_pause_is_over(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    launcher = ("sh", "-c", f"echo started >> {diary}; exit 1")
    async with DeviceHosts(tmp_path / "devices", capacity=5, launcher=launcher) as hosts:
        await heard(await hosts.start(Path("ada")), HostDied)

        for _ in range(20):
            await heard(await hosts.start(Path("bob")), HostDied)

    assert diary.read_text() == "started\n"


async def test_a_launcher_that_does_not_exist_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with DeviceHosts(tmp_path, capacity=5, launcher=("/no/such/launcher",)) as hosts:
        await heard(await hosts.start(Path("ada")), HostDied)

    [record] = [record for record in caplog.records if record.msg == "device_host_cannot_start"]
    assert "No such file" in record.last_words  # type: ignore[attr-defined]


async def test_what_a_host_reported_before_it_died_is_heard_to_the_end(tmp_path: Path) -> None:
    async with DeviceHosts(tmp_path, capacity=5, launcher=FAKE) as hosts:
        device = await hosts.start(Path("chatty"))
        await until(device.reports.full)
        device.send_texts([a_text()] * 100)  # to somebody who may be dead already

        last = await heard(device, ReceiptSeen, number=fake_host.CHATTER)
        heard_last = await device.reports.get()

    assert last.wa_ids == (str(fake_host.CHATTER - 1),)
    assert isinstance(heard_last, HostDied)
