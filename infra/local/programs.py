"""The programs of the stack as processes: started, watched, started again, stopped.

A program that ends before it was ever ready ends the whole, as trying again would end it again. One that ends
later is started again after a pause that doubles. Each is a session of its own, so that Ctrl-C reaches the
supervisor alone and programs stop in order; whatever a program leaves behind when it ends is killed with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from infra.local import tether

if TYPE_CHECKING:
    from infra.local.log_lines import LogLines

READY_WITHIN_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STEADY_AFTER_SECONDS = 30.0
_LONGEST_LINE = 1 << 20


class ProgramEndedError(Exception):
    """A program ended, or was not ready in time, when the stack started; its last words stand in the log."""


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and how to tell that it works."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str]
    inherits: tuple[int, ...] = ()
    """File descriptors that it gets, under the same numbers."""
    stops_within_seconds: float = 10.0
    is_ready: Callable[[int], Awaitable[bool]] | None = None
    """Asked with the process's id; None for one that is ready when it runs."""
    runs_once: bool = False
    """It is ready when it has ended well, and is not started again."""


class RunningProgram:
    """One program, kept running until it is stopped."""

    def __init__(self, program: Program, lines: LogLines) -> None:
        self.program = program
        self._lines = lines
        self._ready = False
        self._stopping = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self.task = asyncio.create_task(self._keep_running())
        """Ends when the program was stopped, or with ProgramEndedError."""

    async def until_ready(self) -> None:
        """Wait for it; raises ProgramEndedError."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not await self._answers():
            if self.task.done():
                await self.task
            if time.monotonic() > deadline:
                raise ProgramEndedError(
                    f"{self.program.name} was not ready within {READY_WITHIN_SECONDS:.0f} s"
                )
            await asyncio.sleep(0.05)
        self._ready = True

    async def stop(self) -> None:
        """Ask it to end, and end it if it does not in time."""
        self._stopping.set()
        self._signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self.task}, timeout=self.program.stops_within_seconds)
        if not done:
            self._say(f"did not end within {self.program.stops_within_seconds:.0f} s: killed")
            self.kill()
            await asyncio.wait({self.task})

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    async def _answers(self) -> bool:
        if self._process is None:
            return False
        if self.program.runs_once:
            return self.task.done() and self.task.exception() is None
        return self.program.is_ready is None or await self.program.is_ready(self._process.pid)

    async def _keep_running(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set() or (self.program.runs_once and code == 0):
                return
            if not self._ready:
                raise ProgramEndedError(f"{self.program.name} ended {_told(code)} before it was ready")
            if time.monotonic() - began > _STEADY_AFTER_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            self._say(f"ended {_told(code)}; starts again in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _run_once(self) -> int:
        """Run it until it ends, and give its exit code."""
        reading, writing = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *tether.command(self.program.module, *self.program.arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=dict(self.program.environment),
                pass_fds=self.program.inherits,
                start_new_session=True,
            )
        finally:
            os.close(writing)
        copying = asyncio.create_task(self._copy_lines(reading))
        code = await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await copying
        return code

    async def _copy_lines(self, reading: int) -> None:
        reader = asyncio.StreamReader(limit=_LONGEST_LINE)
        protocol = asyncio.StreamReaderProtocol(reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(reading, "rb", 0))
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                line = b"(a line of more than a megabyte)\n"
            if not line:
                return
            self._lines.write(self.program.name, line.decode(errors="replace").rstrip())

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _say(self, text: str) -> None:
        self._lines.write("roost", f"{self.program.name} {text}")


def _told(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
