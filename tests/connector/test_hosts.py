"""Device hosts that die, grow and cannot start: real processes, with devices that do as they are named."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.device_host.protocol import Connected, ReceiptSeen, Stopped
from connector.hosts import DeviceHosts, HostDied, HostRetires
from connector.recycling import SETTLED
from tests.connector import fake_host
from tests.connector.conftest import heard
from tests.connector.test_device_host import a_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest

    from connector.hosted import HostedDevice

FAKE = (sys.executable, "-m", "tests.connector.fake_host")
SOON = timedelta(seconds=0.05)


class Keeper:
    """Keeps a device started as a session's runner does."""

    def __init__(self, hosts: DeviceHosts, name: str) -> None:
        self.name = name
        self.deaths = 0
        self.moves = 0
        self.connected = asyncio.Event()
        self.set_apart = asyncio.Event()
        self.device: HostedDevice | None = None
        self._hosts = hosts

    async def run(self) -> None:
        """Start it again and again, until it is set apart."""
        while not self.set_apart.is_set():
            device = self.device = await self._hosts.start(Path(self.name))
            match await self._until_it_ends(device):
                case HostDied(pause=pause, set_apart=set_apart):
                    self.deaths += 1
                    if set_apart:
                        self.set_apart.set()
                    await asyncio.sleep(pause.total_seconds())
                case _:
                    self.moves += 1

    def leave(self) -> None:
        """Hold the device no more."""
        assert self.device is not None
        self.device.forget()

    async def _until_it_ends(self, device: HostedDevice) -> HostDied | Stopped:
        try:
            while True:
                match report := await device.reports.get():
                    case Connected():
                        self.connected.set()
                    case HostRetires():
                        device.stop()
                    case HostDied() | Stopped():
                        return report
                    case _:
                        pass
        finally:
            self.connected.clear()
            device.forget()


@contextlib.asynccontextmanager
async def keeping(hosts: DeviceHosts, *names: str) -> AsyncIterator[list[Keeper]]:
    """Keep these devices, all connected to begin with but the deadly ones."""
    keepers = [Keeper(hosts, name) for name in names]
    tasks = [asyncio.create_task(keeper.run()) for keeper in keepers]
    try:
        yield keepers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def all_connected(keepers: list[Keeper], *, within: float = 20.0) -> None:
    async with asyncio.timeout(within):
        for keeper in keepers:
            await keeper.connected.wait()


async def until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s"
        await asyncio.sleep(0.01)


def age(hosts: DeviceHosts) -> None:
    """Make all hosts old enough to be recycled."""
    for host in hosts._hosts:
        host.began_at -= SETTLED


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


async def test_a_host_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = await a_supervisor(tmp_path, FAKE)

    await killed_with_its_host(supervisor)


async def test_a_host_ends_with_its_supervisor_even_while_go_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        supervisor = await a_supervisor(tmp_path, (sys.executable,), HTTPS_PROXY=proxy, NO_PROXY="")

        await killed_with_its_host(supervisor)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from connector.hosts import DeviceHosts

async def main():
    folder, *launcher = sys.argv[1:]
    async with DeviceHosts(Path(folder), capacity=5, launcher=launcher) as hosts:
        await hosts.start(Path(folder) / "ada.db")
        await hosts._hosts[0].ready_or_gone.wait()
        await asyncio.sleep(0.5)  # for Go to dial
        print(hosts.pids()[0], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def a_supervisor(
    folder: Path, launcher: tuple[str, ...], **environment: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISOR, str(folder), *launcher),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )


async def killed_with_its_host(supervisor: asyncio.subprocess.Process) -> None:
    assert supervisor.stdout is not None
    try:
        async with asyncio.timeout(30):
            host = int(await supervisor.stdout.readline())
    finally:
        supervisor.kill()
        await supervisor.communicate()
    killed_at = time.monotonic()
    await until(lambda: not lives(host))
    assert time.monotonic() - killed_at < 5


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that only waits for init to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
