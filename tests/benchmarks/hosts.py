"""How long starts, stops and crashes of a device host take; and whether neonize survives many of them.

python -m tests.benchmarks.hosts                       1, 10 and 50 devices
ROOST_SOAK_STARTS=20000 python -m tests.benchmarks.hosts soak
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from connector.device_host.protocol import Connected, QrShown, Stopped, TextSent, TextToSend
from connector.hosts import DeviceHosts, HostDied
from infra.contract.jid import Jid
from infra.sandbox.server import Sandbox
from tests.sandbox.conftest import control_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from connector.hosted import HostedDevice
    from tests.sandbox.conftest import Control

T = TypeVar("T")

_SETTLE_SECONDS = 2.0
_SOAK_DEVICES = 20
_SENDERS = 5


async def heard(device: HostedDevice, kind: type[T]) -> T:
    """Give the device's next report of a kind."""
    async with asyncio.timeout(120):
        while not isinstance(report := await device.reports.get(), kind):
            if isinstance(report, HostDied):
                raise click.ClickException(f"the host died while {kind.__name__} was awaited")
    return report


async def all_heard(devices: Iterable[HostedDevice], kind: type[object]) -> None:
    """Wait until each device has reported something of a kind."""
    await asyncio.gather(*(heard(device, kind) for device in devices))


async def linked(hosts: DeviceHosts, database: Path, control: Control) -> HostedDevice:
    """Link a device to the phone that its database is named for."""
    device = await hosts.start(database)
    qr = await heard(device, QrShown)
    await control.post(f"/phones/{database.stem}/scan", code=qr.code)
    await heard(device, Connected)
    return device


async def started(hosts: DeviceHosts, databases: Iterable[Path]) -> list[HostedDevice]:
    """Start devices, and wait until they are connected."""
    devices = [await hosts.start(database) for database in databases]
    await all_heard(devices, Connected)
    return devices


async def stopped(devices: Iterable[HostedDevice]) -> None:
    """Stop devices side by side."""
    for device in devices:
        device.stop()
    await all_heard(devices, Stopped)
    for device in devices:
        device.forget()


async def measure(hosts: DeviceHosts, control: Control, databases: list[Path]) -> None:
    """Print how long one host takes for all of this."""
    devices = list(await asyncio.gather(*(linked(hosts, database, control) for database in databases)))
    await asyncio.sleep(_SETTLE_SECONDS)
    began = time.monotonic()
    await stopped(devices)
    stop = time.monotonic() - began
    began = time.monotonic()
    devices = await started(hosts, databases)
    start = time.monotonic() - began
    memory = max(host.memory() or 0 for host in hosts._hosts) / 1e6
    await asyncio.sleep(_SETTLE_SECONDS)
    began = time.monotonic()
    full = max(hosts._hosts, key=lambda host: len(host.devices))
    assert full.pid is not None
    os.kill(full.pid, signal.SIGKILL)
    await all_heard(devices, HostDied)
    seen = time.monotonic() - began
    devices = await started(hosts, databases)
    back = time.monotonic() - began
    click.echo(f"{len(databases):7} {stop:10.2f} {start:10.2f} {memory:9.0f} {seen:11.3f} {back:12.2f}")
    await stopped(devices)


async def soak(hosts: DeviceHosts, control: Control, databases: list[Path], starts: int) -> None:
    """Start and stop devices while others send; print how many of each, and how often the host died."""
    devices = list(await asyncio.gather(*(linked(hosts, database, control) for database in databases)))
    senders, others = devices[:_SENDERS], databases[_SENDERS:]
    await stopped(devices[_SENDERS:])
    done = sent = 0

    async def send(device: HostedDevice, to: Path) -> None:
        nonlocal sent
        for seq in itertools.count(1):
            device.send_texts([TextToSend(seq, Jid.phone_number(to.stem), "soak", os.urandom(32))])
            await heard(device, TextSent)
            sent += 1

    async def restart(database: Path) -> None:
        nonlocal done
        while done < starts:
            done += 1
            [device] = await started(hosts, [database])
            await stopped([device])

    began = time.monotonic()
    sending = [asyncio.create_task(send(device, to)) for device, to in zip(senders, databases, strict=False)]
    await asyncio.gather(*map(restart, others))
    for task in sending:
        task.cancel()
    died = [
        task
        for task in await asyncio.gather(*sending, return_exceptions=True)
        if isinstance(task, click.ClickException)
    ]
    seconds = time.monotonic() - began
    click.echo(f"{done} starts and stops, {sent} sends beside them, in {seconds:.0f} s: {len(died)} crashes")


async def main(arguments: list[str]) -> None:
    """Run what is asked for."""
    starts = int(os.environ.get("ROOST_SOAK_STARTS", "3000"))
    soaks = "soak" in arguments
    if not soaks:
        click.echo("devices  stop all s  start all s  host MB  death seen s  all back s")
    for count in [_SOAK_DEVICES] if soaks else [1, 10, 50]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            async with Sandbox(folder / "sandbox") as sandbox, control_of(sandbox.address) as control:
                databases = [folder / "devices" / f"1415556{number:04}.db" for number in range(count)]
                for database in databases:
                    sandbox.phones.buy(database.stem, database.stem)
                launcher = (sys.executable, "-m", "infra.sandbox.client_kit", str(folder / "sandbox"))
                spares = int(os.environ.get("ROOST_SPARE_HOSTS", "0"))
                async with DeviceHosts(
                    folder / "devices",
                    capacity=count,
                    launcher=launcher,
                    spares=spares,
                    look_every=timedelta(seconds=1),
                ) as hosts:
                    await (
                        soak(hosts, control, databases, starts)
                        if soaks
                        else measure(hosts, control, databases)
                    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
