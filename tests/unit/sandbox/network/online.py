"""Devices that are online without a client: what the network sends them is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from infra.sandbox.network.login import Login
from infra.sandbox.wire.binary_xml import decode
from tests.unit.sandbox.linked_devices import a_linked_device

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import LinkedDevice
    from infra.sandbox.network.connection import Connection
    from infra.sandbox.network.network import Network
    from infra.sandbox.wire.node import Node


class Line:
    """What a login needs of its connection."""

    def __init__(self) -> None:
        self.sent: list[Node] = []
        self.closing = False
        self.aborted = False

    def send(self, stanza: Node) -> None:
        """Write a stanza down."""
        self.sent.append(stanza)

    def send_encoded(self, stanza: bytes) -> None:
        """Write a stanza down that is encoded already."""
        self.sent.append(decode(stanza))

    def hang_up(self, last: Node | None = None) -> None:
        """Write the last stanza down."""
        if last is not None:
            self.sent.append(last)
        self.closing = True

    def abort(self) -> None:
        """Note that this was no farewell."""
        self.closing = self.aborted = True


def a_new_device(network: Network, number: str) -> LinkedDevice:
    """Link a device to an account."""
    device = a_linked_device(number, network.directory.reserve_device(network.directory.get(number)))
    network.link(device)
    return device


def come_online(network: Network, device: LinkedDevice) -> tuple[Login, Line]:
    """Log a device in."""
    line = Line()
    login = Login(network, cast("Connection", line), network.directory.get(device.number), device)
    login.begin()
    return login, line


def tags(line: Line, since: int = 0) -> list[str]:
    """Give the tags of what a device was sent."""
    return [stanza.tag for stanza in line.sent[since:]]
