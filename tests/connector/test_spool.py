"""What was received is on the disk until it is published."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from connector.device_host.frames import frame
from connector.device_host.protocol import MessageSeen, ReceiptSeen, Report
from connector.device_host.spool import SpoolWriter, read_spool, spool_name
from connector.events import Events
from connector.spool import Spool, left_in, publish_left, publish_left_again_and_again
from infra.aws.queues import Queues
from infra.contract.jid import Jid
from infra.contract.message import OutboundStatus, Text
from infra.contract.queues import MessageReceived, ReceiptReceived, decode_event
from infra.contract.session import DisconnectReason
from tests.connector.conftest import linked
from tests.connector.test_connector import the_host
from tests.sandbox.conftest import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.aws.clients import Clients
    from infra.contract.queues import ConnectorEvent
    from tests.connector.conftest import Connector
    from tests.connector.customer import Customer
    from tests.sandbox.conftest import Control

NOW = datetime(2026, 1, 2, tzinfo=UTC)
CHAT = Jid.phone_number("14155550101")


def a_message(wa_id: str, text: str = "hello") -> MessageSeen:
    return MessageSeen(1, wa_id, CHAT, CHAT, Text(text), NOW, None, None, from_me=False)


def a_receipt(wa_id: str) -> ReceiptSeen:
    return ReceiptSeen(1, (wa_id,), OutboundStatus.READ, NOW)


def written(spool: Spool, folder: Path, *reports: Report) -> list[bool]:
    """Write as a host does; gives after which report a file was full."""
    writer = SpoolWriter(folder, spool.name)
    full = [writer.append(report) for report in reports]
    writer.close()
    return full


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "ada.db")
    reports: list[Report] = [a_message("A"), a_receipt("B"), a_message("C", "\N{GRINNING FACE}" * 1000)]
    written(spool, tmp_path, *reports)

    [file] = left_in(tmp_path)

    assert read_spool(file) == reports
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("cut", [1, 3, 4, 5, 20])
def test_a_report_that_was_being_written_is_left_out(tmp_path: Path, cut: int) -> None:
    spool = Spool(tmp_path / "ada.db")
    written(spool, tmp_path, a_message("A"))
    [file] = left_in(tmp_path)
    with file.open("ab") as opened:
        opened.write(frame(a_message("B"))[:cut])

    assert read_spool(file) == [a_message("A")]


def test_a_full_file_is_followed_by_another_and_each_can_be_deleted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "ada.db")
    large = "x" * 10_000
    full = written(spool, tmp_path, *(a_message(str(number), large) for number in range(5)))

    assert full == [False, False, False, True, False]
    spool.turn()()
    [file] = left_in(tmp_path)
    assert read_spool(file) == [a_message("4", large)]
    spool.delete()
    assert not left_in(tmp_path)


def test_what_a_host_kept_and_did_not_say_is_known(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "ada.db")
    written(spool, tmp_path, a_message("A"), a_message("B"), a_receipt("C"))

    spool.heard()

    assert spool.unheard() == [a_message("B"), a_receipt("C")]


def test_a_start_that_received_nothing_leaves_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "ada.db")

    assert spool.unheard() == []
    spool.delete()
    assert not left_in(tmp_path)


async def published(clients: Clients, *files: Path) -> list[ConnectorEvent]:
    """Publish what is left, and read the queue."""
    queues = Queues(clients)
    events = Events(queues)
    publishing = asyncio.create_task(events.run())
    await publish_left(files, events)
    await events.flush()
    publishing.cancel()
    received = await asyncio.to_thread(queues.receive_events, wait=timedelta(seconds=1))
    return [decode_event(each.message) for each in received]


async def test_what_an_earlier_connector_left_is_published_and_deleted(
    tmp_path: Path, clients: Clients
) -> None:
    written(Spool(tmp_path / "ada.db"), tmp_path, a_message("A"))
    written(Spool(tmp_path / "bob-2.db"), tmp_path, a_receipt("B"))

    events = await published(clients, *left_in(tmp_path))

    assert {(type(event), event.session_id) for event in events} == {
        (MessageReceived, "ada"),
        (ReceiptReceived, "bob-2"),
    }
    assert not left_in(tmp_path)


async def test_what_nobody_listens_to_any_more_is_published_while_the_connector_runs(
    tmp_path: Path, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.spool._LOOK_SECONDS", 0.2)
    queues = Queues(clients)
    events = Events(queues)
    used, failed = Spool(tmp_path / "ada.db"), Spool(tmp_path / "bob.db")
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(events.run()),
            group.create_task(publish_left_again_and_again(tmp_path, events, lambda: {used.name})),
        ]
        await asyncio.sleep(0.1)
        written(used, tmp_path, a_message("A"))
        written(failed, tmp_path, a_message("B"))
        while not (received := await asyncio.to_thread(queues.receive_events, wait=timedelta(seconds=1))):
            pass
        await asyncio.sleep(0.3)
        for task in tasks:
            task.cancel()

    [event] = [decode_event(each.message) for each in received]
    assert event.session_id == "bob"
    assert [spool_name(file) for file in left_in(tmp_path)] == [used.name]


async def test_a_file_of_another_version_is_said_and_set_aside(
    tmp_path: Path, clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "ada.db")
    written(spool, tmp_path, a_message("A"))
    [file] = left_in(tmp_path)
    file.write_bytes(b"\0\0\0\4\x81\xa4type" + file.read_bytes())

    assert await published(clients, file) == []
    assert not left_in(tmp_path)
    assert file.with_suffix(".unreadable").exists()
    assert "spool_unreadable" in [record.getMessage() for record in caplog.records]
    assert spool.unheard() == []


async def test_what_a_killed_host_kept_and_did_not_say_is_published(
    new_connector: Callable[[], Connector], customer: Customer, control: Control, tmp_path: Path
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
        await control.send(BOB, ADA, "said")
        await customer.event_when(partial(_has, wa_id=None, text="said"))
        [file] = left_in(tmp_path / "devices")
        with file.open("ab") as opened:
            opened.write(frame(a_message("KEPT", "kept")))

        os.kill(the_host(), signal.SIGKILL)
        await customer.event_when(partial(_has, wa_id="KEPT", text="kept"))
        await customer.session_when(lambda session: session.reason is DisconnectReason.HOST_CRASHED)
        said = [event for event in customer.events if _has(event, wa_id=None, text="said")]

    assert len(said) == 1
    assert not left_in(tmp_path / "devices")


def _has(event: object, *, wa_id: str | None, text: str) -> bool:
    return isinstance(event, MessageReceived) and event.content == Text(text) and wa_id in (None, event.wa_id)
