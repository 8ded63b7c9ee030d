"""Programs as real processes: started, started again, stopped in order."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from pathlib import Path

import msgspec
import pytest

from infra.local.log_lines import LogLines
from infra.local.programs import Program, ProgramEndedError
from infra.local.supervisor import Supervisor, stopped_by_signals

_WAITS = """
import pathlib, signal, sys
name, notes = sys.argv[1:]
def note(what):
    with open(notes, "a") as file:
        file.write(f"{name} {what}\\n")
def end(*_):
    note("ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("began")
print("to be seen", flush=True)
signal.pause()
"""


class Bench:
    """Makes programs that note down what happens to them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._notes = folder / "notes"
        (folder / "waits.py").write_text(_WAITS)
        (folder / "fails.py").write_text("import sys; print('why', flush=True); sys.exit(3)")
        (folder / "works.py").write_text("")
        self.log = io.StringIO()
        self.lines = LogLines(self.log)

    def program(self, name: str, module: str = "waits", *, runs_once: bool = False) -> Program:
        """Give one that is ready once it has begun."""

        async def has_begun(_pid: int) -> bool:
            return f"{name} began" in self.notes()

        return Program(
            name=name,
            module=module,
            arguments=(name, str(self._notes)),
            environment={**os.environ, "PYTHONPATH": f"{self._folder}:{Path.cwd()}"},
            is_ready=has_begun,
            runs_once=runs_once,
        )

    def notes(self) -> list[str]:
        """Give what the programs noted down."""
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    async def noted(self, count: int, note: str) -> None:
        """Wait until something was noted down so often."""
        async with asyncio.timeout(20):
            while self.notes().count(note) < count:  # noqa: ASYNC110  other processes write it
                await asyncio.sleep(0.02)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Programs to try."""
    return Bench(tmp_path)


async def test_stages_start_in_order_and_stop_in_the_opposite_one(bench: Bench) -> None:
    async with Supervisor(bench.lines) as supervisor:
        await supervisor.start([bench.program("first")])
        await supervisor.start([bench.program("second")])

    assert bench.notes() == ["first began", "second began", "second ended", "first ended"]
    assert "first       | to be seen" in bench.log.getvalue()


async def test_one_that_ends_before_it_is_ready_ends_the_whole_in_one_line(bench: Bench) -> None:
    async with Supervisor(bench.lines) as supervisor:
        await supervisor.start([bench.program("first")])

        with pytest.raises(ProgramEndedError, match="bad ended with code 3 before it was ready"):
            await supervisor.start([bench.program("bad", "fails")])

    assert bench.notes()[-1] == "first ended"
    assert "bad         | why" in bench.log.getvalue()


async def test_one_that_is_killed_later_starts_again(bench: Bench) -> None:
    pids: list[int] = []
    program = bench.program("first")

    async def is_ready(pid: int) -> bool:
        pids.append(pid)
        return "first began" in bench.notes()

    async with Supervisor(bench.lines) as supervisor:
        await supervisor.start([msgspec.structs.replace(program, is_ready=is_ready)])
        os.kill(pids[-1], signal.SIGKILL)
        await bench.noted(2, "first began")

    assert "first ended by SIGKILL; starts again" in bench.log.getvalue()


async def test_a_preparation_is_waited_for_and_not_started_again(bench: Bench) -> None:
    async with Supervisor(bench.lines) as supervisor:
        await supervisor.start([bench.program("once", "works", runs_once=True)])

    assert "starts again" not in bench.log.getvalue()


async def test_a_failed_preparation_ends_the_whole(bench: Bench) -> None:
    async with Supervisor(bench.lines) as supervisor:
        with pytest.raises(ProgramEndedError, match="once ended with code 3"):
            await supervisor.start([bench.program("once", "fails", runs_once=True)])


async def test_sigterm_stops_everything_in_order(bench: Bench) -> None:
    supervisor = Supervisor(bench.lines)

    with stopped_by_signals(supervisor.kill):
        async with supervisor:
            await supervisor.start([bench.program("first")])
            os.kill(os.getpid(), signal.SIGTERM)
            await supervisor.run()

    assert bench.notes() == ["first began", "first ended"]
