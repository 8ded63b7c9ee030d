"""A linked device's connection, from `<success>` to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from infra.contract.jid import SERVICE
from infra.sandbox.network import iq, messages, receipts
from infra.sandbox.network.faults import FaultKind
from infra.sandbox.network.groups import NoSuchGroupError, NotInGroupError
from infra.sandbox.wire.binary_xml import decode
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account, LinkedDevice
    from infra.sandbox.network.connection import Connection
    from infra.sandbox.network.mailbox import Letter
    from infra.sandbox.network.messages import Parcel
    from infra.sandbox.network.network import Network


class Login:
    """One device, online. It gets its mail once it has said that it is active."""

    def __init__(
        self, network: Network, connection: Connection, account: Account, device: LinkedDevice
    ) -> None:
        self.network = network
        self.connection = connection
        self.account = account
        self.device = device
        self.jid = account.lid.with_device(device.device)
        self.active = False
        self._takers = {
            "iq": self._iq,
            "message": self._message,
            "receipt": self._receipt,
            "ack": self._ack,
            "presence": self._presence,
            "chatstate": self._chatstate,
        }

    def begin(self) -> None:
        """Welcome the device. The LID must carry the device number, or whatsmeow stores a wrong one."""
        self.network.logged_in(self)
        self.connection.send(Node("success", {"t": self.network.now(), "lid": self.jid}))

    def received(self, stanza: Node) -> None:
        """Take one stanza of the device; kinds that ask for no answer (`<ib>`) are dropped."""
        if (taker := self._takers.get(stanza.tag)) is not None:
            taker(stanza)

    def lost(self) -> None:
        """Take notice that the connection ended."""
        self.active = False
        self.network.logged_out(self)

    def activate(self) -> None:
        """Deliver what waited, as an offline batch, and from now on everything at once."""
        if self.active:
            return
        waiting = self.network.unconfirmed(self.device)
        self.connection.send(_offline_preview(waiting))
        for letter in waiting:
            stanza = decode(letter.stanza)
            stanza.attrs["offline"] = "0"
            self._count(letter)
            self.connection.send(stanza)
        self.connection.send(_from_server("ib", Node("offline", {"count": str(len(waiting))})))
        self.active = True
        self.network.primaries[self.account.number].companion_active(self.device)

    def hand_over(self, letter: Letter) -> None:
        """Send a stanza that just came."""
        self._count(letter)
        self.connection.send_encoded(letter.stanza)

    def stream_error(self, *children: Node, code: str | None = None) -> None:
        """End the connection with a reason."""
        self.active = False
        error = Node("stream:error", {} if code is None else {"code": code}, list(children) or None)
        self.connection.hang_up(error)

    def _iq(self, stanza: Node) -> None:
        if stanza.text("type") not in {"get", "set"}:
            return
        self.connection.send(iq.answer(self, stanza))
        if stanza.find("active") is not None:
            self.activate()
        elif stanza.find("remove-companion-device") is not None:
            self._log_out()

    def _log_out(self) -> None:
        """Forget the device at its own wish; having its answer, it hangs up by itself."""
        self.active = False
        self.network.unlink(self.device, tell=False)
        self.connection.hang_up()

    def _message(self, stanza: Node) -> None:
        parcels, refusal = self._taken(stanza)
        if not self.network.faults.use(self.account.number, FaultKind.DROP_ACK):
            self._acknowledge(stanza, refusal)
        for parcel in parcels:
            self.network.deliver(parcel.to, parcel.stanza)

    def _taken(self, message: Node) -> tuple[list[Parcel], str | None]:
        """Give what is to be delivered, or why the message is refused."""
        network = self.network
        first = not messages.encrypted_again(message)
        if first and not network.recent.is_new(self.device.key, message.text("id")):
            network.stats.messages_repeated += 1
            return [], None
        if first and network.faults.use(self.account.number, FaultKind.SEND_ERROR_463):
            return [], "463"
        try:
            parcels = messages.addressed(network, self.account, self.jid, message)
        except NoSuchGroupError:
            return [], "404"
        except NotInGroupError:
            return [], "403"
        network.stats.messages_in += first
        return parcels, None

    def _acknowledge(self, message: Node, refusal: str | None) -> None:
        attrs: Attributes = {"class": "message", "id": message.text("id"), "from": message.jid("to")}
        attrs["t"] = self.network.now()
        if refusal is not None:
            attrs["error"] = refusal
        ack = Node("ack", attrs)
        if (slow := self.network.faults.use(self.account.number, FaultKind.SLOW_ACK)) is None:
            self.connection.send(ack)
        else:
            asyncio.get_running_loop().call_later(slow.seconds or 0, self.connection.send, ack)

    def _receipt(self, stanza: Node) -> None:
        of_arrival = stanza.text("type", "") != "retry"
        if of_arrival and self.network.faults.use(self.account.number, FaultKind.DROP_RECEIPT):
            self.network.stats.receipts_lost += 1
            return
        self.network.confirmed(self.device, stanza)
        attrs: Attributes = {"class": "receipt", "id": stanza.text("id"), "from": stanza.jid("to")}
        attrs |= {"type": stanza.text("type", ""), "t": self.network.now()}
        kind = attrs["type"]
        self.connection.send(Node("ack", attrs))
        if kind == "retry":
            self.network.stats.retry_receipts_in += 1
        receipts.route_receipt(self.network, self.jid, stanza)

    def _ack(self, stanza: Node) -> None:
        self.network.confirmed(self.device, stanza)

    def _presence(self, stanza: Node) -> None:
        kind = stanza.text("type", "available")
        if kind == "subscribe":
            receipts.subscribe(self.network, self.jid, self.device.key, stanza.jid("to"))
        elif kind in {"available", "unavailable"}:
            receipts.announce_presence(self.network, self.account, available=kind == "available")

    def _chatstate(self, stanza: Node) -> None:
        with suppress(NoSuchGroupError, NotInGroupError):  # nobody sees it then, and no answer is due
            receipts.route_typing(self.network, self.account, self.jid, stanza)

    def _count(self, letter: Letter) -> None:
        if letter.tag == "message":
            self.network.stats.messages_out += 1


def _from_server(tag: str, child: Node) -> Node:
    return Node(tag, {"from": SERVICE}, [child])


def _offline_preview(waiting: list[Letter]) -> Node:
    counts = {
        tag: sum(letter.tag == tag for letter in waiting) for tag in ("message", "receipt", "notification")
    }
    attrs = {"count": str(len(waiting)), "appdata": "0"} | {tag: str(n) for tag, n in counts.items()}
    return _from_server("ib", Node("offline_preview", dict(attrs)))
