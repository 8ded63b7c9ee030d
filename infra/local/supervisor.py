"""Starts the stack's programs one stage after the other, and stops the stages in the opposite order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Self

from infra.local.programs import RunningProgram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from infra.local.log_lines import LogLines
    from infra.local.programs import Program

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """An async context manager: at its end every program has ended, the last stage first."""

    def __init__(self, lines: LogLines) -> None:
        self.lines = lines
        self._stages: list[list[RunningProgram]] = []

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, stage by stage."""
        for stage in reversed(self._stages):
            await asyncio.gather(*(program.stop() for program in stage))

    async def start(self, programs: Iterable[Program]) -> None:
        """Start a stage, and wait until all of it is ready; raises ProgramEndedError."""
        stage = [RunningProgram(program, self.lines) for program in programs]
        self._stages.append(stage)
        for program in stage:
            await program.until_ready()

    async def run(self) -> None:
        """Wait until a program is given up on; raises its ProgramEndedError."""
        programs = [program for stage in self._stages for program in stage]
        tasks = [running.task for running in programs if not running.program.runs_once]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def kill(self) -> None:
        """End everything at once."""
        for stage in self._stages:
            for program in stage:
                program.kill()


@contextlib.contextmanager
def stopped_by_signals(on_second: Callable[[], None]) -> Iterator[None]:
    """Let the first SIGINT, SIGTERM or SIGHUP cancel what runs inside, and the second do something else."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    received: list[signal.Signals] = []

    def receive(number: signal.Signals) -> None:
        received.append(number)
        if len(received) == 1 and task is not None:
            task.cancel()
        else:
            on_second()

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, receive, number)
    try:
        yield
    except asyncio.CancelledError:
        if not received or task is None:
            raise
        task.uncancel()
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
