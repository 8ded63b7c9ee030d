"""A test's hold on a sandbox that runs as a process of its own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from infra.sandbox.address import SandboxAddress

if TYPE_CHECKING:
    from asyncio.subprocess import Process

_ROOT = Path(__file__).parents[2]
_GRACE_SECONDS = 20.0


class Refusal(NamedTuple):
    """How a sandbox ended that would not start."""

    exit_code: int
    output: str
    errors: str


class SandboxProcess:
    """`python -m infra.sandbox` on one folder. Leaving the context ends it, whatever its state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Self:
        """Start it, and return when it says that it can be reached."""
        self._process = await _started(self._folder)
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await self._process.stdout.readuntil(b"sandbox: proxy")
            self.address = SandboxAddress.read(self._folder)
        except BaseException:
            await self.kill()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Kill what still runs."""
        if self._process.returncode is None:
            await self.kill()

    async def terminate(self) -> int:
        """Stop it as an operator does, and give its exit code."""
        self._process.terminate()
        return await self._ended()

    async def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        await self._ended()

    async def _ended(self) -> int:
        async with asyncio.timeout(_GRACE_SECONDS):
            await self._process.communicate()
            return await self._process.wait()


async def refused(folder: Path, *options: str) -> Refusal:
    """Start a sandbox that must refuse to run, and tell how it ended."""
    process = await _started(folder, *options)
    try:
        async with asyncio.timeout(_GRACE_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    return Refusal(await process.wait(), output.decode(), errors.decode())


async def _started(folder: Path, *options: str) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.sandbox", "--dir", str(folder), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
