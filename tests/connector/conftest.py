"""A sandbox, and device hosts that are led to it."""

from __future__ import annotations

import asyncio
import itertools
import sys
from datetime import timedelta
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import pytest

from connector.device_host.protocol import Connected, QrShown
from connector.hosts import DeviceHosts, HostDied, HostedDevice
from connector.main import run
from connector.settings import Settings
from infra.aws.clients import AwsSettings, Clients
from infra.contract.session import SessionStatus
from infra.local.stack import create_stack
from tests.connector.customer import Customer
from tests.connector.outbox_bench import OutboxBench
from tests.moto_aws import moto_aws
from tests.sandbox.conftest import Control, control, sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path
    from typing import Self, TypeVar

    from connector.device_host.protocol import DeviceReport
    from connector.hosted import HostRetires
    from infra.sandbox.server import Sandbox

    T = TypeVar("T")

__all__ = ["control", "sandbox"]

_NUMBERS = itertools.count()


@pytest.fixture
def launcher(sandbox: Sandbox, tmp_path: Path) -> tuple[str, ...]:
    """What leads a device host to the sandbox."""
    return (sys.executable, "-m", "infra.sandbox.client_kit", str(tmp_path / "sandbox"))


@pytest.fixture
async def hosts(launcher: tuple[str, ...], tmp_path: Path) -> AsyncIterator[DeviceHosts]:
    """Device hosts on the sandbox."""
    async with DeviceHosts(tmp_path / "devices", capacity=10, launcher=launcher) as running:
        yield running


_HEARD: WeakKeyDictionary[HostedDevice, list[DeviceReport | HostDied | HostRetires]] = WeakKeyDictionary()


async def heard(device: HostedDevice, kind: type[T], *, within: float = 20.0, number: int = 1) -> T:
    """Give the device's first report of a kind, past or to come; or the one of this number."""
    seen = _HEARD.setdefault(device, [])
    try:
        async with asyncio.timeout(within):
            while len(found := [report for report in seen if isinstance(report, kind)]) < number:
                seen.append(await device.reports.get())
        return found[number - 1]
    except TimeoutError:
        raise AssertionError(f"no {kind.__name__} within {within} s, but {seen}") from None


async def link(device: HostedDevice, control: Control, number: str) -> None:
    """Scan the device's QR with the phone of this number, and wait until it is connected."""
    qr = await heard(device, QrShown)
    await control.post(f"/phones/{number}/scan", code=qr.code)
    await heard(device, Connected)


class Connector:
    """A connector that runs in the test's own process, with its device hosts beside it."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients
        self._stop = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start it."""
        self._running = asyncio.create_task(run(self._settings, self._clients.settings, self._stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let it drain."""
        self._stop.set()
        await self._running


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Give the clients of an empty stack with two shards, in moto.

    Its name is its own: inside another test's `moto_aws`, this one does not begin with an empty account.
    """
    with moto_aws():
        clients = Clients(AwsSettings(stack=f"connector{next(_NUMBERS)}", shards=2))
        create_stack(clients)
        yield clients


@pytest.fixture
def customer(clients: Clients) -> Customer:
    """Somebody with a session."""
    return Customer(clients)


@pytest.fixture
def connector_settings(launcher: tuple[str, ...], tmp_path: Path) -> Settings:
    """Settings with short times."""
    return Settings(
        devices_folder=tmp_path / "devices",
        host_launcher=launcher,
        spare_hosts=0,
        renew_every=timedelta(seconds=0.5),
        lease_duration=timedelta(seconds=5),
        sweep_every=timedelta(seconds=1),
        save_after=timedelta(seconds=0.2),
        poll_for=timedelta(seconds=1),
    )


@pytest.fixture
def new_connector(connector_settings: Settings, clients: Clients) -> Callable[[], Connector]:
    """Make a connector of the stack; they share a folder, as restarts of one on a laptop do."""
    return lambda: Connector(connector_settings, clients)


@pytest.fixture
def bench(clients: Clients, tmp_path: Path) -> OutboxBench:
    """A session on an empty table, and its sender with a scripted device."""
    return OutboxBench(clients, tmp_path)


async def linked(customer: Customer, control: Control, number: str) -> None:
    """Create the customer's session and link it to the phone of this number."""
    customer.create()
    session = await customer.session_when(lambda session: session.link_offer)
    assert session.link_offer is not None
    await control.post(f"/phones/{number}/scan", code=session.link_offer.code)
    await customer.status(SessionStatus.CONNECTED)
