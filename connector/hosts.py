"""The device hosts of a connector: which device lives in which, and when a host is started or ended."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import random
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from connector.host_process import HostProcess
from connector.hosted import HostDied, HostedDevice, HostRetires
from connector.patience import backoff
from connector.recycling import HostState, to_empty
from connector.suspects import Suspects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["DeviceHosts", "HostDied", "HostRetires", "HostedDevice"]

_log = logging.getLogger(__name__)

_MOVE_SECONDS = 20.0
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)
_YOUNG_SECONDS = 15.0
"""A host that is killed so early may well be unwanted: by the kernel, when memory is short."""


class DeviceHosts:
    """An async context manager that starts hosts as they are needed, and ends all of them when it is left."""

    def __init__(
        self,
        folder: Path,
        *,
        capacity: int,
        launcher: Sequence[str] = (),
        spares: int = 0,
        memory_ceiling: int = sys.maxsize,
        look_every: timedelta = timedelta(seconds=10),
    ) -> None:
        self._folder = folder
        self._capacity = capacity
        self._launcher = launcher or (sys.executable,)
        self._spares = spares
        self._ceiling = memory_ceiling
        self._look_every = look_every.total_seconds()
        self._numbers = itertools.count(1)
        self._names = itertools.count(1)
        self._hosts: list[HostProcess] = []
        self._suspects = Suspects(capacity)
        self._failures = 0
        self._launch_from = 0.0
        self._warned: set[str] = set()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Make the folder, for our eyes only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._tasks.__aenter__()
        self._upkeep = self._tasks.create_task(self._look_after_them(), name="hosts")
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End every host."""
        self._upkeep.cancel()
        await asyncio.gather(*(host.end() for host in self._hosts))
        await self._tasks.__aexit__(None, None, None)

    async def start(self, database: Path) -> HostedDevice:
        """Start a device in the fullest host that it may join, or in a new one."""
        now = time.monotonic()
        self._suspects.give_another_chance(str(database), now)
        open_to_it = [host for host in self._hosts if self._may_join(database, host, now)]
        host = max(open_to_it, key=lambda host: len(host.devices), default=None) or self._launch()
        return host.start(next(self._numbers), database)

    def pids(self) -> list[int]:
        """Give the process ids of the hosts that live."""
        return [host.pid for host in self._hosts if host.pid is not None]

    def spools(self) -> set[str]:
        """Give the names of the spools of the devices that are listened to."""
        return {device.spool.name for host in self._hosts for device in _devices(host)}

    def _may_join(self, database: Path, host: HostProcess, now: float) -> bool:
        return host.is_open and self._suspects.may_join(str(database), _databases(host), now)

    def _launch(self) -> HostProcess:
        """Begin to start a host; it takes devices at once, and they learn if nothing comes of it."""
        host = HostProcess(f"{os.getpid()}-{next(self._names)}", self._launcher, self._folder)
        self._hosts.append(host)
        self._tasks.create_task(self._run(host), name=f"host-{host.name}")
        return host

    async def _run(self, host: HostProcess) -> None:
        if time.monotonic() >= self._launch_from:
            await host.run()
            self._learn_from(host)
        self._hosts.remove(host)
        await asyncio.gather(*(device.reports.put(self._farewell(device)) for device in _devices(host)))

    def _learn_from(self, host: HostProcess) -> None:
        """Remember what a host that is gone says about its devices, and about the next hosts."""
        now = time.monotonic()
        devices = _databases(host)
        is_young = now - host.began_at < _YOUNG_SECONDS
        facts = {"host": host.name, "code": host.exit_code, "last_words": host.last_words}
        if host.was_told_to_end and not host.exit_code:
            _log.info("device_host_ended", extra={"host": host.name})
        elif host.was_ready:
            _log.error("device_host_died", extra={**facts, "devices": len(devices)})
            self._suspects.died(devices, now, from_outside=host.was_killed)
        elif not self._failures:
            _log.error("device_host_cannot_start", extra=facts)  # once: the next success is logged again
        if not host.was_ready or (is_young and host.was_killed):
            self._failures += 1
            self._launch_from = now + self._pause(first_is_free=host.was_ready)
        elif not is_young:
            self._failures = 0

    def _pause(self, *, first_is_free: bool) -> float:
        if first_is_free and self._failures == 1:
            return 0.0
        pause = backoff(self._failures, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, luck=random.random())
        return pause.total_seconds()

    def _farewell(self, device: HostedDevice) -> HostDied:
        name = str(device.database)
        set_apart = self._suspects.is_apart(name)
        if set_apart:
            _log.error("device_set_apart", extra={"session": device.database.stem})
        own = self._suspects.pause(name, luck=random.random())
        hosts = timedelta(seconds=max(0.0, self._launch_from - time.monotonic()))
        return HostDied(max(own, hosts), set_apart)

    async def _look_after_them(self) -> None:
        while True:
            await asyncio.sleep(self._look_every)
            if any(host.devices for host in self._hosts):
                for _ in range(self._spares - len(self._idle())):
                    self._launch()
            await self._empty_one()
            closed = [host for host in self._hosts if not host.is_open and not host.devices]
            await asyncio.gather(*(host.end() for host in [*closed, *self._idle()[self._spares :]]))

    def _idle(self) -> list[HostProcess]:
        return [host for host in self._hosts if host.is_open and not host.devices]

    async def _empty_one(self) -> None:
        """Move the devices of a host that should end, one after the other, each as soon as it is stopped."""
        host = self._to_empty()
        if host is None or not await self._has_room_beside(host):
            return
        if host.is_open:
            _log.info("device_host_retires", extra={"host": host.name, "memory": host.memory()})
        host.is_open = False
        for device in _devices(host):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MOVE_SECONDS):
                    await device.reports.put(HostRetires())
                    await device.left.wait()

    def _to_empty(self) -> HostProcess | None:
        for host in self._hosts:
            if not host.is_open and host.devices:
                return host  # some would not move when they were asked
        states = [self._state(host) for host in self._hosts]
        for host, state in zip(self._hosts, states, strict=True):
            if (state.memory or 0) > self._ceiling and host.name not in self._warned:
                self._warned.add(host.name)
                _log.warning("device_host_too_large", extra={"host": host.name, "memory": state.memory})
        index = to_empty(states, capacity=self._capacity, ceiling=self._ceiling)
        return None if index is None else self._hosts[index]

    def _state(self, host: HostProcess) -> HostState:
        now = time.monotonic()
        suspected = self._suspects.any_lately(_databases(host), now)
        return HostState(len(host.devices), now - host.began_at, host.memory(), suspected)

    async def _has_room_beside(self, leaving: HostProcess) -> bool:
        """See to it that the first device to leave a host has a ready one to go to."""
        now = time.monotonic()
        first = _devices(leaving)[0].database
        others = [host for host in self._hosts if host is not leaving]
        if any(host.was_ready and self._may_join(first, host, now) for host in others):
            return True
        fresh = self._launch()
        await fresh.ready_or_gone.wait()
        return fresh.was_ready


def _devices(host: HostProcess) -> list[HostedDevice]:
    return list(host.devices.values())


def _databases(host: HostProcess) -> list[str]:
    return [str(device.database) for device in _devices(host)]
