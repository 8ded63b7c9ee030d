"""One device host: a child process with some devices in it, from its start to its end.

Commands and reports have a way each: what a host wrote before it died is then read to its end, however slow
the supervisor is and whatever it still wrote to the dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from connector.device_host.frames import PREFIX_BYTES, decode_report, frame
from connector.device_host.protocol import Ping, Pong, Ready, StartDevice
from connector.hosted import HostedDevice
from connector.pulse import Pulse

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Sequence

    from connector.device_host.protocol import Command

_log = logging.getLogger(__name__)

_PROGRAM = Path(__file__).with_name("device_host") / "__main__.py"
_ROOT = Path(__file__).parents[1]
_READY_SECONDS = 60.0
_GOODBYE_SECONDS = 5.0
_ASK_SECONDS = 5.0
_LAST_WORDS = re.compile(r"^(?:panic|fatal error|(?:\w+\.)*\w*Error)\b.*", re.MULTILINE)


class HostProcess:
    """One child process. It may be spoken to before it runs; `run` is its life."""

    def __init__(self, name: str, launcher: Sequence[str], folder: Path) -> None:
        self.name = name
        self.devices: dict[int, HostedDevice] = {}
        self.is_open = True
        """Whether it takes more devices."""
        self.was_ready = False
        self.was_told_to_end = False
        self.ready_or_gone = asyncio.Event()
        self.began_at = time.monotonic()
        self.last_words: str | None = None
        self._pulse = Pulse()
        self._command = (*launcher, str(_PROGRAM))
        self._stderr = folder / f"host-{name}.stderr"
        self._process: Process | None = None
        self._commands: asyncio.StreamWriter | None = None
        self._unsaid: list[bytes] = []
        self._gone = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Its process id; None before there is one."""
        return self._process.pid if self._process else None

    @property
    def exit_code(self) -> int | None:
        """What it ended with: 0 when told to, minus the signal that killed it; None if it never ran."""
        return self._process.returncode if self._process else None

    @property
    def was_killed(self) -> bool:
        """Whether its end came from outside."""
        return self.exit_code == -signal.SIGKILL

    def start(self, number: int, database: Path) -> HostedDevice:
        """Start a device."""
        device = self.devices[number] = HostedDevice(number, database, self)
        self.tell(StartDevice(number, str(database), device.spool.name))
        return device

    def tell(self, command: Command) -> None:
        """Send a command; a dead host hears nothing, and its devices learn of its death by their reports."""
        if self._commands is None:
            self._unsaid.append(frame(command))
        elif not self._commands.is_closing():
            self._commands.write(frame(command))

    def forget(self, number: int) -> None:
        """Keep a device no longer."""
        self.devices.pop(number, None)

    async def run(self) -> None:
        """Start the process and hand on its reports; returns when it is gone and all it said is heard."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                await self._start(theirs)
            if self._process is not None:
                reports, channel = await asyncio.open_unix_connection(sock=ours)
                asking = asyncio.create_task(self._ask_whether_it_lives())
                await self._listen(reports)
                asking.cancel()
                channel.close()
                await self._end()
        words = self._take_last_words()  # in any case: the file goes with it
        self.last_words = self.last_words or words
        self.ready_or_gone.set()
        self._gone.set()

    async def end(self) -> None:
        """Tell the process to end, by the end of its commands; kill it when it does not."""
        self.was_told_to_end = True
        await self._end()

    async def _end(self) -> None:
        self.is_open = False
        if self._process is None or self._commands is None:
            return
        self._commands.close()
        try:
            await asyncio.wait_for(self._process.wait(), _GOODBYE_SECONDS)
        except TimeoutError:
            self._kill()
            await self._process.wait()

    async def kill(self) -> None:
        """End the process at once; its devices learn of it as of any death."""
        self._kill()
        await self._gone.wait()

    def memory(self) -> int | None:
        """Give its resident bytes; None where there is no /proc to read them from."""
        try:
            pages = Path(f"/proc/{self.pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return None
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    async def _start(self, reports: socket.socket) -> None:
        with self._stderr.open("wb") as log:
            self._stderr.chmod(0o600)
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *(*self._command, str(reports.fileno())),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=log,
                    pass_fds=[reports.fileno()],
                    env=_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                self.last_words = str(error)
                return
        self._commands = self._process.stdin
        if self._commands is not None:
            self._commands.writelines(self._unsaid)
        if self.was_told_to_end:
            await self._end()

    async def _listen(self, reports: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, TimeoutError):
            async with asyncio.timeout(_READY_SECONDS):
                await reports.readexactly(len(frame(Ready())))
            self.was_ready = True
            self.ready_or_gone.set()
            _log.info("device_host_started", extra={"host": self.name, "pid": self.pid})
            while True:
                size = int.from_bytes(await reports.readexactly(PREFIX_BYTES), "big")
                report = decode_report(await reports.readexactly(size))
                self._pulse.heard()
                if isinstance(report, Ready | Pong) or (device := self.devices.get(report.device)) is None:
                    continue
                self._pulse.busy = True
                await device.reports.put(report)
                self._pulse.busy = False

    async def _ask_whether_it_lives(self) -> None:
        await self.ready_or_gone.wait()
        while self._pulse.ask():
            self.tell(Ping())
            await asyncio.sleep(_ASK_SECONDS)
        self.last_words = "it hung"
        self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _take_last_words(self) -> str | None:
        """Take the first line that looks like the cause of death, and no more: the rest may hold anything."""
        found = _LAST_WORDS.search(self._stderr.read_text(errors="replace"))
        self._stderr.unlink()
        return found.group()[:200] if found else None


def _environment() -> dict[str, str]:
    """Give what Go reads at exec; without the last, neonize marks each message to a person as a bot's."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "NEONIZE_BOT_TAG": "off"}
