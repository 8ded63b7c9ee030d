"""Containers of a kind: connectors as processes of their own, to be killed, frozen, lost and drained."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
from typing import TYPE_CHECKING

from infra.local import tether
from tests import processes

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

    from infra.local.folder import DataFolder

_DRAINS_WITHIN_SECONDS = 40.0


class Container:
    """One place where a connector runs, with the folder of its devices."""

    def __init__(self, name: str, folder: DataFolder, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder.path / f"{name}.log"
        self._folder = folder
        self._devices = folder.devices / name
        launcher = shlex.join([sys.executable, "-m", "infra.sandbox.client_kit", str(folder.sandbox)])
        self._environment = {
            **environment,
            "ROOST_DEVICES_FOLDER": str(self._devices),
            "ROOST_HOST_LAUNCHER": launcher,
        }
        self._process: Process | None = None

    def beside(self, name: str) -> Container:
        """Give another container with the same settings."""
        return Container(name, self._folder, self._environment)

    @property
    def pid(self) -> int:
        """The connector's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the connector's process lives."""
        return self._process is not None and self._process.returncode is None

    def hosts(self) -> list[int]:
        """Give the connector's device hosts."""
        return processes.children(self.pid)

    async def start(self) -> None:
        """Start a connector here; it dies with us."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *tether.command("connector"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """End the connector's process by kill -9; its hosts learn of it by themselves."""
        self.send(signal.SIGKILL)
        await self._wait()

    async def lose(self) -> None:
        """Lose the container: everything in it is killed at once, and its folder is gone."""
        self.send(signal.SIGKILL, hosts=True)
        await self._wait()
        self.empty()

    def empty(self) -> None:
        """Delete the devices' databases, as a new container has none."""
        shutil.rmtree(self._devices, ignore_errors=True)

    async def drain(self) -> int:
        """End the connector by SIGTERM, and give its exit code."""
        self.send(signal.SIGTERM)
        async with asyncio.timeout(_DRAINS_WITHIN_SECONDS):
            return await self._wait()

    def send(self, number: signal.Signals, *, hosts: bool = False) -> None:
        """Send a signal to the connector, and to its hosts as well."""
        for pid in [self.pid, *(self.hosts() if hosts else [])]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    async def end(self) -> None:
        """Leave nothing running, whatever happened."""
        if self.runs:
            self.send(signal.SIGCONT, hosts=True)
            with contextlib.suppress(TimeoutError):
                await self.drain()
        if self.runs:
            await self.lose()

    async def _wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()
