"""How many messages a second the whole gateway sends on this machine, beside raw neonize: `make bench`.

The gateway runs as `roost up --sandbox` does: embedded AWS, API, connector, consumer and the simulated phones
share the machine's cores with the client that posts. Every text is checked to have been read, and read once.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from infra.aws.clients import AwsSettings, Clients
from infra.local.folder import DataFolder
from infra.local.gateway import Gateway
from infra.local.linking import until_connected
from infra.local.log_lines import LogLines
from infra.local.simulated_phones import SimulatedPhones
from infra.local.stack import create_stack
from infra.local.stack_programs import Options
from infra.local.supervisor import Supervisor
from infra.local.up import running_stack
from infra.sandbox.address import SandboxAddress
from tests.aws.embedded import embedded_aws
from tests.aws.write_units import costs_of_a_send
from tests.benchmarks.sandbox import Shape, cpu_seconds, measure

if TYPE_CHECKING:
    from collections.abc import Mapping

_RECEIVER = "14155550199"
_FIRST_SENDER = 14155550200
_POSTING_AT_ONCE = 8
_RAW_TEXTS = 2000
_ARRIVE_WITHIN_SECONDS = 300.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Round(NamedTuple):
    """What one round took, in seconds."""

    elapsed: float
    posts: list[float]
    journeys: list[float]
    """From the acceptance of each message to its arrival at the phone."""
    cpu: dict[str, float]
    """CPU time by program."""


class Memory(NamedTuple):
    """Resident megabytes."""

    supervisor: float
    hosts: list[float]


class Bench:
    """A running stack with linked sessions."""

    def __init__(self, gateway: Gateway, phones: SimulatedPhones) -> None:
        self._gateway = gateway
        self._phones = phones
        self._sessions: list[str] = []
        self._rounds = 0
        self._seen = 0

    async def link(self, sessions: int) -> None:
        """Link so many sessions altogether."""
        for index in range(len(self._sessions), sessions):
            session, number = f"s{index}", str(_FIRST_SENDER + index)
            await self._phones.buy(number, session)
            await self._gateway.create_session(session)
            await self._phones.scan(number, await self._gateway.qr(session, wait=25))
            await until_connected(self._gateway, session)
            self._sessions.append(session)

    async def run(self, texts: int) -> Round:
        """Post so many texts for all sessions together, and wait until the phone has read them."""
        self._rounds += 1
        wanted = {f"{self._rounds} {number}": number for number in range(texts)}
        free = asyncio.Semaphore(_POSTING_AT_ONCE)
        cpu_before = _cpu_by_program()
        began = time.monotonic()
        posted = await asyncio.gather(*(self._post(text, number, free) for text, number in wanted.items()))
        self._seen += texts
        received = await self._phones.texts(_RECEIVER, self._seen, within=_ARRIVE_WITHIN_SECONDS)
        elapsed = time.monotonic() - began
        arrived = {each["text"]: each["received_at"] for each in received[-texts:]}
        assert arrived.keys() == wanted.keys(), "not every text was read, or one was read twice"
        journeys = [arrived[text] - accepted_at for text, accepted_at, _ in posted]
        cpu = {name: used - cpu_before[name] for name, used in _cpu_by_program().items()}
        return Round(elapsed, [seconds for *_, seconds in posted], journeys, cpu)

    async def memory(self) -> Memory:
        """Look how much the connector takes."""
        [connector] = await self._gateway.connectors()
        pid = connector["pid"]
        return Memory(_resident(pid), [_resident(child) for child in _children(pid)])

    async def _post(self, text: str, number: int, free: asyncio.Semaphore) -> tuple[str, float, float]:
        session = self._sessions[number % len(self._sessions)]
        async with free:
            began = time.perf_counter()
            message = await self._gateway.send(session, _RECEIVER, text)
            took = time.perf_counter() - began
        return text, datetime.fromisoformat(message["accepted_at"]).timestamp(), took


async def measure_gateway(raw: Mapping[int, float], texts: int) -> None:
    """Print a line for each number of sessions, whose raw rate is given, and what the connector takes."""
    with tempfile.TemporaryDirectory() as path, (Path(path) / "log").open("w") as log:
        folder = DataFolder(Path(path) / "data")
        stack = running_stack(Supervisor(LogLines(log)), folder, Options(port=0, sandbox=True))
        async with (
            stack as url,
            Gateway.find(url, None, folder) as gateway,
            SimulatedPhones(SandboxAddress.read(folder.path).control) as phones,
        ):
            await phones.buy(_RECEIVER, "receiver")
            bench = Bench(gateway, phones)
            for count, limit in raw.items():
                await bench.link(count)
                await bench.run(20)
                _tell(count, await bench.run(texts), limit)
            supervisor, hosts = await bench.memory()
            told = " + ".join(f"{host:.0f} MB" for host in hosts)
            click.echo(f"connector: supervisor {supervisor:.0f} MB, device host {told}")


def _tell(sessions: int, measured: Round, limit: float) -> None:
    rate = len(measured.posts) / measured.elapsed
    click.echo(f"gateway, {sessions:>2} sessions {rate:8.1f} messages/s, {rate / limit:.1%} of raw neonize")
    click.echo(f"    POST                {_percentiles(measured.posts)}")
    click.echo(f"    accepted to arrived {_percentiles(measured.journeys)}")
    cpu = (f"{name} {used / len(measured.posts) * 1000:.1f}" for name, used in measured.cpu.items())
    click.echo(f"    CPU ms a message    {', '.join(cpu)}")


def _percentiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {cuts[49] * 1000:.0f} ms, p99 {cuts[98] * 1000:.0f} ms"


def _resident(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


def _cpu_by_program() -> dict[str, float]:
    """Give the CPU seconds that each program of the stack, and this one, has used so far."""
    used = {"this client": cpu_seconds(os.getpid())}
    for pid in _children(os.getpid()):
        module = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[4].decode()
        used[module] = cpu_seconds(pid)
        if children := _children(pid):
            used[f"{module}'s hosts"] = sum(map(cpu_seconds, children))
    return used


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _write_units() -> dict[str, float]:
    """Count what one send costs, as the embedded AWS reckons it."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    with tempfile.TemporaryDirectory() as path, embedded_aws(Path(path)) as url:
        clients = Clients(AwsSettings(stack="bench", shards=1, endpoint_url=url))
        create_stack(clients)
        return costs_of_a_send(clients)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--messages", default=500, help="Texts a round, of all sessions together.")
@click.option("--sessions", multiple=True, default=(1, 10), help="How many sessions; can be repeated.")
def main(messages: int, sessions: tuple[int, ...]) -> None:
    """Send texts through the whole gateway, and by raw neonize for comparison."""
    click.echo(f"{os.cpu_count()} cores, shared by everything that is measured")
    raw: dict[int, float] = {}
    for count in sorted(sessions):
        [measured] = asyncio.run(measure(Shape(count, 1, _RAW_TEXTS // count), rounds=1))
        raw[count] = len(measured.sends) / measured.elapsed
        click.echo(f"neonize, {count:>2} clients  {raw[count]:8.1f} messages/s")
    asyncio.run(measure_gateway(raw, messages))
    units = _write_units()
    steps = ", ".join(f"{step} {cost:g}" for step, cost in units.items())
    click.echo(f"write units a send: {sum(units.values()):g} ({steps})")


if __name__ == "__main__":
    main()
