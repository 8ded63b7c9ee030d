"""How many messages a second neonize gets through the sandbox, and what each costs: `make bench-sandbox`.

Server and clients are processes of their own. Every text is checked to have been read once and in order.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import httpx

from infra.sandbox.address import SandboxAddress
from infra.sandbox.client_kit import environment

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Sequence

_SENDERS = Path(__file__).with_name("senders.py")
_ROOT = Path(__file__).parents[2]
_RECEIVER = "14155550199"
_FIRST_SENDER = 14155550200
_STEP_SECONDS = 300.0
_LINE_LIMIT = 64 << 20
_TICKS = os.sysconf("SC_CLK_TCK")
_COLUMNS = (
    "clients",
    "processes",
    "texts",
    "msg/s",
    "p50 ms",
    "p99 ms",
    "server CPU ms",
    "client CPU ms",
    "read",
)


class Shape(NamedTuple):
    """How many clients, in how many processes, and how many texts each client sends a round."""

    clients: int
    processes: int
    texts: int


class Round(NamedTuple):
    """What one round took, in seconds; CPU times are totals of all processes on that side."""

    elapsed: float
    sends: list[float]
    server_cpu: float
    client_cpu: float


class Senders:
    """One process of neonize clients."""

    def __init__(self, process: Process, stream: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        self.process = process
        self._reader, self._writer = stream

    async def hear(self) -> dict[str, Any]:
        """Give what the process says next; raises TimeoutError and EOFError."""
        async with asyncio.timeout(_STEP_SECONDS):
            line = await self._reader.readline()
        if not line:
            raise EOFError("a process of clients has ended before its time")
        return dict(json.loads(line))

    def order(self, texts: int) -> None:
        """Have each client send so many texts; `hear` tells when it is done."""
        self._writer.write(json.dumps({"to": _RECEIVER, "texts": texts}).encode() + b"\n")


class Bench:
    """A running sandbox, and the clients linked to it."""

    def __init__(self, server: Process, folder: Path, http: httpx.AsyncClient) -> None:
        self._server = server
        self._folder = folder
        self._http = http
        self._senders: list[Senders] = []
        self._numbers: list[str] = []
        self._rounds = 0
        self._seen = 0

    async def start(self, shape: Shape, stack: AsyncExitStack) -> None:
        """Start the clients and link each to a phone of its own."""
        await self._buy(_RECEIVER)
        self._numbers = [str(_FIRST_SENDER + index) for index in range(shape.clients)]
        share = shape.clients // shape.processes
        for first in range(0, shape.clients, share):
            numbers = self._numbers[first : first + share]
            senders = await stack.enter_async_context(_senders(self._folder, numbers))
            self._senders.append(senders)
            for number in numbers:
                await self._buy(number)
                await self._link(senders)

    async def run(self, texts: int) -> Round:
        """Have every client send so many texts, and check that the phone read them; raises AssertionError."""
        self._rounds += 1
        processes = [senders.process.pid for senders in self._senders]
        server_before, clients_before = cpu_seconds(self._server.pid), sum(map(cpu_seconds, processes))
        for senders in self._senders:
            senders.order(texts)
        reports = [await senders.hear() for senders in self._senders]
        server_cpu = cpu_seconds(self._server.pid) - server_before
        client_cpu = sum(map(cpu_seconds, processes)) - clients_before
        await self._check(texts)
        elapsed = max(report["ended"] for report in reports) - min(report["began"] for report in reports)
        return Round(elapsed, [s for report in reports for s in report["sends"]], server_cpu, client_cpu)

    async def _buy(self, number: str) -> None:
        (await self._http.post("/phones", json={"number": number, "name": number})).raise_for_status()

    async def _link(self, senders: Senders) -> None:
        while "linked" not in (said := await senders.hear()):
            path = f"/phones/{said['client']}/scan"
            (await self._http.post(path, json={"code": said["qr"]})).raise_for_status()

    async def _check(self, texts: int) -> None:
        answer = await self._http.get(f"/phones/{_RECEIVER}/messages", params={"since": self._seen})
        read = answer.raise_for_status().json()
        self._seen += len(read)
        for number in self._numbers:
            found = [message["text"] for message in read if message["sender"] == number]
            wanted = [f"{number} {self._rounds} {index}" for index in range(texts)]
            assert found == wanted, f"{number} sent {texts} texts, {len(found)} were read, or not in order"


@asynccontextmanager
async def _bench(folder: Path) -> AsyncIterator[Bench]:
    command = (sys.executable, "-m", "infra.sandbox", "--dir", str(folder))
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=_ROOT)
    async with _ended(server):
        assert server.stdout is not None
        async with asyncio.timeout(_STEP_SECONDS):
            await server.stdout.readline()
        address = SandboxAddress.read(folder)
        async with httpx.AsyncClient(
            base_url=address.control, trust_env=False, timeout=_STEP_SECONDS
        ) as http:
            yield Bench(server, folder, http)


@asynccontextmanager
async def _senders(folder: Path, numbers: Sequence[str]) -> AsyncIterator[Senders]:
    address = SandboxAddress.read(folder)
    ours, theirs = socket.socketpair()
    with theirs, (folder / f"{numbers[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_SENDERS), str(theirs.fileno()), str(folder)),
            *(address.issuer_public_key.hex(), *numbers),
            stdout=log,
            stderr=log,
            pass_fds=[theirs.fileno()],
            env=environment(address, os.environ) | {"PYTHONPATH": str(_ROOT)},
        )
    async with _ended(process):
        yield Senders(process, await asyncio.open_unix_connection(sock=ours, limit=_LINE_LIMIT))


@asynccontextmanager
async def _ended(process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process has used so far, in user and kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def measure(shape: Shape, rounds: int) -> list[Round]:
    """Run one shape in a new sandbox; the first round, in which sessions start, is small and not counted."""
    with tempfile.TemporaryDirectory() as folder:
        async with _bench(Path(folder)) as bench, AsyncExitStack() as stack:
            _progress(f"linking {shape.clients} in {shape.processes} process(es)")
            await bench.start(shape, stack)
            await bench.run(20)
            measured = []
            for number in range(rounds):
                measured.append(await bench.run(shape.texts))
                rate = len(measured[-1].sends) / measured[-1].elapsed
                _progress(f"round {number + 1} of {rounds}: {rate:.0f} messages/s")
            return measured


def row(shape: Shape, rounds: list[Round]) -> tuple[str, ...]:
    """Give a line of the table."""
    sends = sorted(seconds for measured in rounds for seconds in measured.sends)
    median = statistics.median(len(measured.sends) / measured.elapsed for measured in rounds)
    server = statistics.median(measured.server_cpu / len(measured.sends) for measured in rounds)
    client = statistics.median(measured.client_cpu / len(measured.sends) for measured in rounds)
    latencies = (sends[len(sends) * part // 100] * 1000 for part in (50, 99))
    numbers = (
        f"{median:.0f}",
        *(f"{ms:.2f}" for ms in latencies),
        f"{server * 1000:.2f}",
        f"{client * 1000:.2f}",
    )
    return (*map(str, shape), *numbers, "once, in order")


def _progress(text: str) -> None:
    click.echo(text, err=True)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--clients", multiple=True, default=(1, 10), help="How many neonize clients; can be repeated.")
@click.option("--messages", default=4000, help="Texts a round, of all clients together.")
@click.option("--rounds", default=3, help="Rounds that count; their median is shown.")
def main(clients: tuple[int, ...], messages: int, rounds: int) -> None:
    """Send texts with real neonize through a sandbox, as fast as it goes."""
    shapes = [Shape(n, processes, messages // n) for n in clients for processes in sorted({1, n})]
    table = [_COLUMNS, *(row(shape, asyncio.run(measure(shape, rounds))) for shape in shapes)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


if __name__ == "__main__":
    main()
