"""How stanzas reach a linked device: at once when it is online and active, else when it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.contract.jid import Jid
from infra.sandbox.media_store import MediaStore
from infra.sandbox.network.network import Network
from infra.sandbox.phones.phones import Phones
from infra.sandbox.wire.node import Node
from tests.unit.sandbox.network.conftest import ADA, BOB
from tests.unit.sandbox.network.online import Line, a_new_device, come_online

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sandbox.network.accounts import LinkedDevice
    from tests.unit.sandbox.network.conftest import Disk


@pytest.fixture
def network(disk: Disk, tmp_path: Path) -> Network:
    """A network with Ada's and Bob's phones."""
    return a_network(disk, tmp_path)


@pytest.fixture
def device(network: Network) -> LinkedDevice:
    """A device of Ada's that has had its welcome."""
    device = a_new_device(network, ADA)
    device.welcomed = True
    return device


def a_network(disk: Disk, folder: Path) -> Network:
    """Give the network as the disk has it, and the phones that it needs."""
    network = Network(disk.storage)
    phones = Phones(network, MediaStore(folder / "media"))
    for number in {ADA, BOB} - {phone.account.number for phone in phones}:
        phones.buy(number, number)
    return network


def send(network: Network, device: LinkedDevice, message_id: str) -> None:
    """Send a device a message of Bob's."""
    stanza = Node("message", {"id": message_id, "from": network.directory.get(BOB).lid})
    network.deliver(network.directory.get(ADA).lid.with_device(device.device), stanza)


def messages(line: Line) -> list[tuple[str, bool]]:
    """Give the ids of the messages that a device was sent, and whether each was said to have waited."""
    return [(stanza.text("id"), "offline" in stanza.attrs) for stanza in line.sent if stanza.tag == "message"]


def test_what_waited_comes_first_and_in_order_and_then_everything_at_once(
    network: Network, device: LinkedDevice
) -> None:
    send(network, device, "A")
    send(network, device, "B")
    login, line = come_online(network, device)
    send(network, device, "C")
    assert messages(line) == []

    login.activate()
    send(network, device, "D")

    assert messages(line) == [("A", True), ("B", True), ("C", True), ("D", False)]
    assert [stanza.tag for stanza in line.sent] == ["success", "ib", *["message"] * 3, "ib", "message"]
    assert line.sent[1].get("offline_preview").text("message") == "3"
    assert line.sent[5].get("offline").text("count") == "3"


def test_what_was_confirmed_does_not_come_again(network: Network, device: LinkedDevice) -> None:
    first, _ = come_online(network, device)
    first.activate()
    for message_id in "ABC":
        send(network, device, message_id)
    first.received(Node("receipt", {"id": "B", "to": network.directory.get(BOB).lid}))
    first.lost()

    second, line = come_online(network, device)
    second.activate()

    assert messages(line) == [("A", True), ("C", True)]


def test_what_waits_still_waits_after_a_restart(
    network: Network, device: LinkedDevice, disk: Disk, tmp_path: Path
) -> None:
    send(network, device, "A")
    disk.restart()
    network = a_network(disk, tmp_path)
    (device,) = network.directory.companions(network.directory.get(ADA))

    login, line = come_online(network, device)
    login.activate()

    assert messages(line) == [("A", True)]


def test_only_the_newer_of_two_connections_of_a_device_stays(network: Network, device: LinkedDevice) -> None:
    older, replaced = come_online(network, device)
    older.activate()

    newer, line = come_online(network, device)
    newer.activate()
    older.lost()
    send(network, device, "A")

    assert replaced.sent[-1].get("conflict").text("type") == "replaced"
    assert messages(replaced) == []
    assert messages(line) == [("A", False)]
    assert network.login_of(device) is newer


def test_an_unlinked_device_is_told_and_gets_nothing_more(network: Network, device: LinkedDevice) -> None:
    login, line = come_online(network, device)
    login.activate()
    send(network, device, "A")

    network.unlink(device)
    send(network, device, "B")

    assert line.sent[-1].text("code") == "401"
    assert messages(line) == [("A", False)]
    assert network.unconfirmed(device) == []


def test_what_is_for_nobody_is_dropped(network: Network, device: LinkedDevice) -> None:
    stanza = Node("message", {"id": "A", "from": network.directory.get(BOB).lid})

    network.deliver(Jid.lid("999"), stanza)
    network.deliver(network.directory.get(ADA).lid.with_device(99), stanza)

    assert network.unconfirmed(device) == []
