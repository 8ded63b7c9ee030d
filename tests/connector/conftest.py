"""A sandbox, and device hosts that are led to it."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from connector.device_host.protocol import Connected, QrShown
from connector.hosts import DeviceHosts, HostDied, HostedDevice
from tests.sandbox.conftest import Control, control, sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import TypeVar

    from connector.device_host.protocol import DeviceReport
    from infra.sandbox.server import Sandbox

    T = TypeVar("T")

__all__ = ["control", "sandbox"]


@pytest.fixture
def launcher(sandbox: Sandbox, tmp_path: Path) -> tuple[str, ...]:
    """What leads a device host to the sandbox."""
    return (sys.executable, "-m", "infra.sandbox.client_kit", str(tmp_path / "sandbox"))


@pytest.fixture
async def hosts(launcher: tuple[str, ...], tmp_path: Path) -> AsyncIterator[DeviceHosts]:
    """Device hosts on the sandbox."""
    async with DeviceHosts(tmp_path / "devices", capacity=10, launcher=launcher) as running:
        yield running


async def the_next(device: HostedDevice, kind: type[T], *, within: float = 20.0, number: int = 1) -> T:
    """Give the device's next report of a kind, past others; of `number` such the last."""
    seen: list[DeviceReport | HostDied] = []
    try:
        async with asyncio.timeout(within):
            while True:
                report = await device.reports.get()
                seen.append(report)
                if isinstance(report, kind) and (number := number - 1) == 0:
                    return report
    except TimeoutError:
        raise AssertionError(f"no {kind.__name__} within {within} s, but {seen}") from None


async def link(device: HostedDevice, control: Control, number: str) -> None:
    """Scan the device's QR with the phone of this number, and wait until it is connected."""
    qr = await the_next(device, QrShown)
    await control.post(f"/phones/{number}/scan", code=qr.code)
    await the_next(device, Connected)
