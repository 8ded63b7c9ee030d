"""Device hosts with the real neonize, on the sandbox."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from connector.device_host.protocol import (
    Connected,
    Linked,
    LoggedOut,
    Loss,
    Lost,
    MessageSeen,
    PairingCodeShown,
    QrShown,
    ReceiptSeen,
    SendError,
    SendFailed,
    Stopped,
    TextSent,
    TextToSend,
)
from connector.device_host.spool import spool_file
from connector.hosts import DeviceHosts, HostDied
from infra.contract.jid import Jid
from infra.contract.message import OutboundStatus, Text
from tests.connector.conftest import heard, link
from tests.sandbox.conftest import ADA, BOB, Control

if TYPE_CHECKING:
    from pathlib import Path


def a_text(seq: int = 1, text: str = "hello", to: str = BOB) -> TextToSend:
    return TextToSend(seq, Jid.phone_number(to), text, os.urandom(32))


async def test_a_new_device_shows_a_qr_and_is_linked_by_a_scan(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    qr = await heard(device, QrShown)

    await control.post(f"/phones/{ADA}/scan", code=qr.code)

    await heard(device, Linked)
    connected = await heard(device, Connected)
    assert connected.phone_number == ADA
    assert qr.valid_seconds == 60


async def test_a_pairing_code_links_too(hosts: DeviceHosts, control: Control, tmp_path: Path) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await heard(device, QrShown)

    device.pair_phone(ADA)
    shown = await heard(device, PairingCodeShown)
    await control.post(f"/phones/{ADA}/enter-code", code=shown.code)

    await heard(device, Connected)


async def test_texts_are_sent_in_order_and_receipts_come_back(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    device.send_texts([a_text(1, "one"), a_text(2, "two"), a_text(3, "three")])
    last = await heard(device, TextSent, number=3)

    received = await control.received(BOB, 3)
    receipt = await heard(device, ReceiptSeen)
    assert last.seq == 3
    assert [message["text"] for message in received] == ["one", "two", "three"]
    assert receipt.status is OutboundStatus.DELIVERED


async def test_the_first_failure_ends_a_batch(hosts: DeviceHosts, control: Control, tmp_path: Path) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    device.send_texts([a_text(1, to="15559999999"), a_text(2, "never sent")])
    failed = await heard(device, SendFailed)
    device.send_texts([a_text(3, "sent")])
    sent = await heard(device, TextSent)

    assert (failed.seq, failed.error) == (1, SendError.NOT_ON_WHATSAPP)
    assert sent.seq == 3
    assert [message["text"] for message in await control.received(BOB)] == ["sent"]


async def test_an_incoming_text_says_who_sent_it(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    wa_id = await control.send(BOB, ADA, "good morning")
    seen = await heard(device, MessageSeen)

    assert seen.content == Text("good morning")
    assert (seen.wa_id, seen.chat, seen.sender_number) == (wa_id, Jid.phone_number(BOB), BOB)
    assert (seen.push_name, seen.from_me) == ("Bob", False)


async def test_a_text_comes_in_though_the_disk_does_not_take_it(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    spool_file(tmp_path, device.spool.name, 0).mkdir()
    await link(device, control, ADA)

    for text in ("one", "two"):
        await control.send(BOB, ADA, text)

    assert (await heard(device, MessageSeen)).content == Text("one")
    assert (await heard(device, MessageSeen, number=2)).content == Text("two")


async def test_what_the_owner_writes_on_the_phone_is_seen_as_from_me(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    await control.send(ADA, BOB, "typed by hand")
    seen = await heard(device, MessageSeen)

    assert (seen.from_me, seen.chat) == (True, Jid.phone_number(BOB))


async def test_a_stopped_device_comes_back_without_a_qr(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    device.stop()
    await heard(device, Stopped)
    again = await hosts.start(tmp_path / "ada.db")

    await heard(again, Connected)


async def test_a_killed_host_is_noticed_and_its_devices_come_back_elsewhere(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    os.kill(hosts.pids()[0], signal.SIGKILL)
    await heard(device, HostDied)
    again = await hosts.start(tmp_path / "ada.db")

    await heard(again, Connected)


async def test_a_logout_wipes_the_device(hosts: DeviceHosts, control: Control, tmp_path: Path) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    device.logout()
    answer = await heard(device, LoggedOut)
    device.stop()
    await heard(device, Stopped)
    again = await hosts.start(tmp_path / "ada.db")

    assert answer.done
    await heard(again, QrShown)


async def test_an_unlink_on_the_phone_is_a_loss_for_good(
    hosts: DeviceHosts, control: Control, tmp_path: Path
) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await link(device, control, ADA)

    await control.post(f"/phones/{ADA}/unlink")

    assert (await heard(device, Lost)).loss is Loss.LOGGED_OUT


async def test_a_dial_that_fails_is_told(hosts: DeviceHosts, control: Control, tmp_path: Path) -> None:
    await control.fault("offline", None, seconds=60)

    device = await hosts.start(tmp_path / "ada.db")

    assert (await heard(device, Lost)).loss is Loss.UNREACHABLE


async def test_a_device_may_be_stopped_while_it_shows_a_qr(hosts: DeviceHosts, tmp_path: Path) -> None:
    device = await hosts.start(tmp_path / "ada.db")
    await heard(device, QrShown)

    device.stop()

    await heard(device, Stopped)
