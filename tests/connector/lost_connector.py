"""A connector in a process of its own, that can be lost with all it held: its processes and its folder."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from tests.aws.embedded import environment_of
from tests.processes import children

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from connector.settings import Settings
    from infra.aws.clients import AwsSettings

_ROOT = Path(__file__).parents[2]


class LostConnector:
    """Runs until it is lost, by kill -9, or its context is left."""

    def __init__(self, settings: Settings, aws: AwsSettings, folder: Path) -> None:
        self._settings = msgspec.structs.replace(settings, devices_folder=folder)
        self._aws = aws

    async def __aenter__(self) -> Self:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "connector"),
            env=self._environment(),
            cwd=_ROOT,
            start_new_session=True,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Lose it, if it is not lost yet."""
        await self.lose()

    def stop(self) -> None:
        """Let nothing of it run, as when its virtual machine is paused."""
        self._send(signal.SIGSTOP)

    async def kill(self, *, after: Callable[[], Awaitable[None]]) -> None:
        """End its supervisor by kill -9, which was stopped before something happened."""
        os.kill(self._process.pid, signal.SIGSTOP)
        await after()
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def wake(self) -> None:
        """Let it go on as if no time had passed."""
        self._send(signal.SIGCONT)

    async def lose(self) -> None:
        """End it and its device hosts at once, and delete its folder.

        It is stopped first: else it may see its hosts die, and save their devices.
        """
        if self._process.returncode is None:
            self._send(signal.SIGSTOP)
            self._send(signal.SIGKILL)
            await self._process.wait()
        shutil.rmtree(self._settings.devices_folder, ignore_errors=True)

    def _send(self, number: signal.Signals) -> None:
        for pid in [self._process.pid, *children(self._process.pid)]:
            os.kill(pid, number)

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        return {
            **environment_of(self._aws),
            "ROOST_DEVICES_FOLDER": str(settings.devices_folder),
            "ROOST_HOST_LAUNCHER": shlex.join(settings.host_launcher),
            "ROOST_RENEW_SECONDS": str(settings.renew_every.total_seconds()),
            "ROOST_LEASE_SECONDS": str(settings.lease_duration.total_seconds()),
            "ROOST_SWEEP_SECONDS": str(settings.sweep_every.total_seconds()),
            "ROOST_POLL_SECONDS": str(settings.poll_for.total_seconds()),
            "ROOST_SAVE_SECONDS": str(settings.save_after.total_seconds()),
        }
