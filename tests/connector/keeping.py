"""Devices that are kept started, as sessions' runners do it, in hosts without neonize."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from connector.device_host.protocol import Connected, Stopped
from connector.hosts import DeviceHosts, HostDied, HostRetires
from connector.recycling import SETTLED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

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
