"""The device hosts of a connector: child processes with so many devices each, and how to talk to them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from connector.device_host.protocol import (
    PREFIX_BYTES,
    Logout,
    PairPhone,
    Ready,
    SendTexts,
    StartDevice,
    StopDevice,
    decode_report,
    frame,
)

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence

    from connector.device_host.protocol import Command, DeviceReport, TextToSend

_log = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("device_host") / "__main__.py"
_ROOT = Path(__file__).parents[1]
_READY_SECONDS = 60.0
_GOODBYE_SECONDS = 5.0
_REPORTS_WAITING = 1000
"""So many unread reports of a device hold up its host, and then WhatsApp, which keeps what was not taken."""
_LAST_WORDS = re.compile(r"^(?:panic|fatal error|(?:\w+\.)*\w*Error)\b.*", re.MULTILINE)


class HostStartError(Exception):
    """A device host could not be started."""


class HostDied:
    """The last report of a device whose host is gone."""


class HostedDevice:
    """One start of one device, as its session's runner sees it."""

    def __init__(self, number: int, host: DeviceHost) -> None:
        self.number = number
        self.reports: asyncio.Queue[DeviceReport | HostDied] = asyncio.Queue(_REPORTS_WAITING)
        self._host = host

    def send_texts(self, texts: Sequence[TextToSend]) -> None:
        """Send these in order, up to the first that fails."""
        self._host.tell(SendTexts(self.number, tuple(texts)))

    def pair_phone(self, phone_number: str) -> None:
        """Ask for a pairing code."""
        self._host.tell(PairPhone(self.number, phone_number))

    def logout(self) -> None:
        """Unlink the device."""
        self._host.tell(Logout(self.number))

    def stop(self) -> None:
        """Begin to stop; `Stopped` is the last report."""
        self._host.tell(StopDevice(self.number))

    async def kill_host(self) -> None:
        """End its host, with all devices in it; returns when it is gone."""
        await self._host.kill()

    def forget(self) -> None:
        """Listen to it no more."""
        self._host.devices.pop(self.number, None)
        while not self.reports.empty():
            self.reports.get_nowait()


class DeviceHost:
    """One child process and the socket to it."""

    def __init__(self, name: str, process: Process, writer: asyncio.StreamWriter, stderr: Path) -> None:
        self.name = name
        self.process = process
        self.devices: dict[int, HostedDevice] = {}
        self.alive = True
        self._writer = writer
        self._stderr = stderr

    def tell(self, command: Command) -> None:
        """Send a command; a dead host hears nothing, and its devices learn of its death by their reports."""
        if self.alive:
            self._writer.write(frame(command))

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Hand each report to its device until the process ends; then tell all of them."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(PREFIX_BYTES), "big")
                report = decode_report(await reader.readexactly(size))
                device = None if isinstance(report, Ready) else self.devices.get(report.device)
                if device is not None and not isinstance(report, Ready):
                    await device.reports.put(report)
        self.alive = False
        await self.end()
        for device in list(self.devices.values()):
            await device.reports.put(HostDied())

    async def end(self) -> None:
        """Close the socket, which ends the process; kill it when it does not."""
        self._writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), _GOODBYE_SECONDS)
        except TimeoutError:
            await self.kill()
        if self.process.returncode:
            _log.error(
                "device_host_died",
                extra={"host": self.name, "code": self.process.returncode, "last_words": self.last_words()},
            )
        self._stderr.unlink(missing_ok=True)

    async def kill(self) -> None:
        """End the process at once; its devices learn of it as of any death."""
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def last_words(self) -> str | None:
        """Give the first line that looks like the cause of death, and no more: the rest may hold anything."""
        try:
            found = _LAST_WORDS.search(self._stderr.read_text(errors="replace"))
        except FileNotFoundError:
            return None
        return found.group()[:200] if found else None


class DeviceHosts:
    """An async context manager that starts hosts as they are needed, and ends all of them when it is left."""

    def __init__(self, folder: Path, *, capacity: int, launcher: Sequence[str] = ()) -> None:
        self._folder = folder
        self._capacity = capacity
        self._launcher = launcher or (sys.executable,)
        self._numbers = itertools.count(1)
        self._names = itertools.count(1)
        self._hosts: list[DeviceHost] = []
        self._choosing = asyncio.Lock()
        self._listening = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Make the folder, for our eyes only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._listening.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """End every host."""
        for host in self._hosts:
            host.alive = False
        await asyncio.gather(*(host.end() for host in self._hosts))
        await self._listening.__aexit__(None, None, None)

    async def start(self, database: Path) -> HostedDevice:
        """Start a device in the fullest host that has room, or in a new one; raises HostStartError."""
        async with self._choosing:
            host = self._with_room() or await self._new_host()
            device = HostedDevice(next(self._numbers), host)
            host.devices[device.number] = device
        host.tell(StartDevice(device.number, str(database)))
        return device

    def pids(self) -> list[int]:
        """Give the process ids of the hosts that live."""
        return [host.process.pid for host in self._hosts if host.alive]

    def _with_room(self) -> DeviceHost | None:
        self._hosts = [host for host in self._hosts if host.alive]
        roomy = [host for host in self._hosts if len(host.devices) < self._capacity]
        return max(roomy, key=lambda host: len(host.devices), default=None)

    async def _new_host(self) -> DeviceHost:
        ours, theirs = socket.socketpair()
        name = f"{os.getpid()}-{next(self._names)}"
        stderr = self._folder / f"host-{name}.stderr"
        with theirs, stderr.open("wb") as log:
            stderr.chmod(0o600)
            process = await asyncio.create_subprocess_exec(
                *(*self._launcher, str(_PROGRAM), str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=_environment(),
                start_new_session=True,
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        host = DeviceHost(name, process, writer, stderr)
        await self._await_ready(host, reader)
        self._hosts.append(host)
        self._listening.create_task(host.listen(reader), name=f"host-{name}")
        _log.info("device_host_started", extra={"host": name, "pid": process.pid})
        return host

    async def _await_ready(self, host: DeviceHost, reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await reader.readexactly(len(frame(Ready())))
        except BaseException as error:
            await host.kill()
            words = host.last_words()
            await host.end()
            if isinstance(error, (TimeoutError, asyncio.IncompleteReadError, ConnectionError)):
                raise HostStartError(words or "it ended without a word") from error
            raise


def _environment() -> dict[str, str]:
    """Give what Go reads at exec; without the last, neonize marks each message to a person as a bot's."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "NEONIZE_BOT_TAG": "off"}
