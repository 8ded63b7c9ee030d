"""Device hosts that die, with the real neonize and a whole connector."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import msgspec

from connector import recycling
from connector.device_host.protocol import Connected, Stopped
from infra.contract.session import Desired, DisconnectReason, SessionStatus
from tests.connector.conftest import Connector, heard, link, linked
from tests.connector.customer import Customer
from tests.sandbox.conftest import ADA, BOB, CYD

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from connector.hosts import DeviceHosts
    from connector.settings import Settings
    from infra.aws.clients import Clients
    from tests.sandbox.conftest import Control


async def test_a_session_that_kills_its_host_is_failed_and_the_others_stay(
    clients: Clients,
    connector_settings: Settings,
    control: Control,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    launcher = (sys.executable, "-m", "tests.connector.deadly_client_kit", str(tmp_path / "sandbox"))
    settings = msgspec.structs.replace(connector_settings, host_launcher=launcher, devices_per_host=1)
    ada, deadly = Customer(clients, "ada"), Customer(clients, "deadly")
    async with Connector(settings, clients):
        await linked(ada, control, ADA)
        deadly.create()
        offered = await deadly.session_when(lambda session: session.link_offer)
        assert offered.link_offer is not None
        await control.post(f"/phones/{BOB}/scan", code=offered.link_offer.code)

        await deadly.session_when(lambda session: session.reason is DisconnectReason.HOST_CRASHED)
        failed = await deadly.status(SessionStatus.FAILED)
        await ada.status(SessionStatus.CONNECTED)
        await ada.sent(ada.send("still here", CYD))
        deadly.want(Desired.RUNNING)
        started = await deadly.session_when(lambda session: session.disconnected_at != failed.disconnected_at)

    assert failed.reason is DisconnectReason.REPEATED_CRASHES
    assert started.reason in {DisconnectReason.HOST_CRASHED, None}
    words = {getattr(record, "last_words", None) for record in caplog.records}
    assert "fatal error: concurrent map writes" in words


async def test_a_host_that_has_grown_is_replaced_amid_sends(
    clients: Clients,
    connector_settings: Settings,
    control: Control,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def told(event: str) -> bool:
        return event in {record.msg for record in caplog.records}

    caplog.set_level("INFO")
    monkeypatch.setattr(recycling, "SETTLED", 0)
    launcher = (sys.executable, "-m", "tests.connector.hungry_client_kit", str(tmp_path / "sandbox"))
    customers = Customer(clients, "ada"), Customer(clients, "bob")
    sent: list[str] = []
    async with Connector(msgspec.structs.replace(connector_settings, host_launcher=launcher), clients):
        for customer, number in zip(customers, (ADA, BOB), strict=True):
            await linked(customer, control, number)
        async with asyncio.timeout(30):
            while not told("device_host_ended"):
                sent.append(f"number {len(sent)}")
                last = customers[0].send(sent[-1], CYD)
                await asyncio.sleep(0.2)
        await customers[0].sent(last)
        for customer in customers:
            await customer.status(SessionStatus.CONNECTED)

    assert told("device_host_retires")
    assert not told("device_host_died")
    assert [message["text"] for message in await control.received(CYD, len(sent))] == sent


async def test_devices_are_stopped_side_by_side(hosts: DeviceHosts, control: Control, tmp_path: Path) -> None:
    numbers = (ADA, BOB, CYD)
    devices = [await hosts.start(tmp_path / f"{number}.db") for number in numbers]
    await asyncio.gather(*map(link, devices, [control] * 3, numbers))
    clock, took = asyncio.get_running_loop(), []

    for _ in range(3):  # the quickest counts: other programs run here too
        began = clock.time()
        for device in devices:
            device.stop()
        await asyncio.gather(*(heard(device, Stopped) for device in devices))
        took.append(clock.time() - began)
        devices = [await hosts.start(tmp_path / f"{number}.db") for number in numbers]
        await asyncio.gather(*(heard(device, Connected) for device in devices))

    assert min(took) < len(devices) * 0.15


async def test_a_device_that_is_stopped_before_its_turn_is_never_started(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    device.stop()
    await heard(device, Stopped)

    again = await hosts.start(tmp_path / "ada.db")
    await link(again, control, ADA)

    assert await heard(again, Connected)
