"""What can go wrong: each does harm when it is entered, and makes good when it is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tests import processes
from tests.chaos.stage import API, AWS, CONSUMER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from tests.chaos.containers import Container
    from tests.chaos.stage import Stage


@dataclass(frozen=True)
class Fault:
    """A fault by its name, and whether it may lose what a device acknowledged but nobody could pass on."""

    name: str
    strike: Callable[[Stage], AbstractAsyncContextManager[None]]
    may_lose_inbound: bool = False


@contextlib.asynccontextmanager
async def connector_killed(stage: Stage, *, replaced: bool) -> AsyncIterator[None]:
    """Kill a connector's process; another may take its place when its sessions are served elsewhere."""
    victim = stage.victim()
    await victim.kill()
    yield
    if replaced:
        await victim.start()
        await stage.until_shared()


@contextlib.asynccontextmanager
async def container_lost(stage: Stage) -> AsyncIterator[None]:
    """Kill a connector with its hosts, and delete its folder."""
    victim = stage.victim()
    await victim.lose()
    yield
    await victim.start()
    await stage.until_shared()


@contextlib.asynccontextmanager
async def connector_restarted(stage: Stage) -> AsyncIterator[None]:
    """Kill a connector's process and start another in its folder at once, as a process supervisor does."""
    victim = stage.victim()
    await victim.kill()
    await victim.start()
    yield


@contextlib.asynccontextmanager
async def host_killed(stage: Stage) -> AsyncIterator[None]:
    """Kill a device host."""
    os.kill(stage.luck.choice(stage.victim().hosts()), signal.SIGKILL)
    yield


@contextlib.asynccontextmanager
async def connector_frozen(stage: Stage, *, seconds: float, with_hosts: bool) -> AsyncIterator[None]:
    """Stop a connector by SIGSTOP for longer than its lease, then let it go on as if nothing had been."""
    victim = stage.victim()
    thaws_at = time.monotonic() + seconds
    victim.send(signal.SIGSTOP, hosts=with_hosts)
    try:
        yield
        await asyncio.sleep(thaws_at - time.monotonic())
    finally:
        victim.send(signal.SIGCONT, hosts=with_hosts)
    await stage.until_shared()


@contextlib.asynccontextmanager
async def aws_frozen(_stage: Stage, *, seconds: float) -> AsyncIterator[None]:
    """Let AWS answer nothing for a while."""
    with _stopped(processes.program(AWS)):
        await asyncio.sleep(seconds)
    yield


@contextlib.asynccontextmanager
async def aws_refusing(_stage: Stage, *, seconds: float) -> AsyncIterator[None]:
    """Let AWS take no new connection for a while, and answer nothing on the old ones."""
    pid = processes.program(AWS)
    arguments = processes.arguments(pid)
    descriptor = int(arguments[arguments.index("--fd") + 1])  # inherited from us, under the same number
    with socket.socket(fileno=os.dup(descriptor)) as listening, _stopped(pid):
        address = listening.getsockname()
        listening.shutdown(socket.SHUT_RDWR)
        await asyncio.sleep(seconds)
        with contextlib.suppress(OSError):  # most kernels remember it, and refuse to be told again
            listening.bind(address)
        listening.listen(1024)
    yield


@contextlib.asynccontextmanager
async def sockets_closed(stage: Stage) -> AsyncIterator[None]:
    """Let WhatsApp reset every connection."""
    await stage.phones.go_wrong("close")
    yield


@contextlib.asynccontextmanager
async def rolling_restart(stage: Stage) -> AsyncIterator[None]:
    """Replace every connector, one after the other, as a deployment does."""
    for container in stage.containers:
        await _replaced(stage, container)
    yield


@contextlib.asynccontextmanager
async def program_killed(_stage: Stage, *, module: str) -> AsyncIterator[None]:
    """Kill one of the stack's programs, which its supervisor starts again."""
    os.kill(processes.program(module), signal.SIGKILL)
    yield


async def _replaced(stage: Stage, container: Container) -> None:
    code = await container.drain()
    if code != 0:
        raise RuntimeError(f"{container.name} drained with exit code {code}")
    await container.start()
    await stage.until_shared()


@contextlib.contextmanager
def _stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


KILL_HOST = Fault("kill -9 of a device host", host_killed, may_lose_inbound=True)
SHORT = (
    Fault("AWS does not answer for 7 s", partial(aws_frozen, seconds=7)),
    KILL_HOST,
    Fault("kill -9 of a connector", partial(connector_killed, replaced=False), may_lose_inbound=True),
)
LONG = (
    Fault("kill -9 of a connector", partial(connector_killed, replaced=True), may_lose_inbound=True),
    Fault("kill -9 of a connector, back at once", connector_restarted, may_lose_inbound=True),
    Fault("a container lost with its folder", container_lost, may_lose_inbound=True),
    KILL_HOST,
    Fault("a connector stopped for 30 s", partial(connector_frozen, seconds=30, with_hosts=False)),
    Fault("a container stopped for 30 s", partial(connector_frozen, seconds=30, with_hosts=True)),
    Fault("AWS does not answer for 10 s", partial(aws_frozen, seconds=10)),
    Fault("AWS refuses for 10 s", partial(aws_refusing, seconds=10)),
    Fault("WhatsApp closes all sockets", sockets_closed),
    Fault("rolling restart by SIGTERM", rolling_restart),
    Fault("kill -9 of the API", partial(program_killed, module=API)),
    Fault("kill -9 of the events consumer", partial(program_killed, module=CONSUMER)),
)
