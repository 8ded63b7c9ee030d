"""The whole stack as `roost up --sandbox` runs it, in processes of its own: nothing is fake but WhatsApp."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

from infra.local.folder import DataFolder
from infra.local.gateway import Gateway
from infra.local.linking import until_connected
from infra.local.simulated_phones import SimulatedPhones
from infra.sandbox.address import SandboxAddress
from tests.processes import program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

_STARTS_WITHIN_SECONDS = 90
_STOPS_WITHIN_SECONDS = 60


class StackProcess:
    """One `roost up` after the other, on the same folder."""

    def __init__(self, folder: Path, *options: str, environment: dict[str, str] | None = None) -> None:
        self.folder = DataFolder(folder)
        self.log = folder.with_suffix(".log")
        self._options = options
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*ROOST, "up", "--data", str(self.folder.path), "--port", "0", *self._options],
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        deadline = time.monotonic() + _STARTS_WITHIN_SECONDS
        while self.folder.find_url() is None:
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        """Stop it by SIGTERM, and give its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the supervisor by kill -9: everything dies with it."""
        self._end(signal.SIGKILL)
        (self.folder.path / "url").unlink()  # what a clean end does

    def end(self) -> None:
        """Leave nothing running, whatever happened."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGTERM)

    def pid_of(self, module: str) -> int:
        """Give the process of its program that runs a module."""
        assert self._process is not None
        return program(module, of=self._process.pid)

    def gateway(self) -> Gateway:
        """Speak to its API as its admin."""
        return Gateway.find(None, None, self.folder)

    def phones(self) -> SimulatedPhones:
        """Use its simulated phones."""
        return SimulatedPhones(SandboxAddress.read(self.folder.path).control)

    def auth_blobs(self) -> list[Path]:
        """Give the stored auth blobs, all versions of them."""
        return list(self.folder.aws.rglob("device.db.zst"))

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        try:
            return self._process.wait(_STOPS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise


ROOST = (sys.executable, "-m", "infra.local.cli")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackProcess]:
    """A stack with the sandbox, that the tests of a module share."""
    running = StackProcess(tmp_path_factory.mktemp("stack") / "data", "--sandbox")
    try:
        running.start()
        yield running
    finally:
        running.end()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[StackProcess]:
    """A stack with the sandbox for one test, that may stop and kill it."""
    running = StackProcess(tmp_path / "data", "--sandbox")
    try:
        running.start()
        yield running
    finally:
        running.end()


@contextlib.asynccontextmanager
async def spoken_to(stack: StackProcess) -> AsyncIterator[tuple[Gateway, SimulatedPhones]]:
    """Speak to a stack and its phones."""
    async with stack.gateway() as gateway, stack.phones() as phones:
        yield gateway, phones


async def link(gateway: Gateway, phones: SimulatedPhones, session_id: str, number: str) -> None:
    """Create a session and link it to a new phone."""
    await phones.buy(number, session_id.title())
    await gateway.create_session(session_id)
    await phones.scan(number, await gateway.qr(session_id, wait=25))
    async with asyncio.timeout(30):
        await until_connected(gateway, session_id)


async def eventually(look: Callable[[], Awaitable[T]], so: Callable[[T], bool], *, within: float = 30.0) -> T:
    """Look until it is so, and give what was seen."""
    deadline = time.monotonic() + within
    while not so(seen := await look()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s; last seen: {seen!r}"
        await asyncio.sleep(0.1)
    return seen
