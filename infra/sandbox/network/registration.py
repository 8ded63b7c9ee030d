"""A device that is being linked: it shows a QR or code until a phone vouches for it (whatsmeow, pair.go)."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING

import msgspec

from infra.contract.jid import SERVICE, Jid
from infra.sandbox.network.accounts import LinkedDevice, SignedPrekey
from infra.sandbox.wire.node import Attributes, Node, StanzaError

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.connection import Connection
    from infra.sandbox.network.network import Network

REFS = 6
"""How many codes a client gets to show: whatsmeow shows the first for 60 s, each other for 20 s."""
ANSWER_SECONDS = 20.0


class LinkingRefusedError(Exception):
    """The device refused the link, hung up before it was done, or did not answer."""


class Companion(msgspec.Struct, frozen=True):
    """What a device that wants to be linked said of itself."""

    noise_public: bytes
    identity: bytes
    registration_id: int
    signed_prekey: SignedPrekey
    platform: str


class CodeOffer(msgspec.Struct, frozen=True):
    """A pairing code that a device shows for one number; `wrapped_ephemeral` only opens with the code."""

    registration: Registration
    ref: bytes
    wrapped_ephemeral: bytes


class Registration:
    """The connection of a device that is being linked."""

    def __init__(self, network: Network, connection: Connection, companion: Companion) -> None:
        self.companion = companion
        self._network = network
        self._connection = connection
        self._refs = [secrets.token_urlsafe(24) for _ in range(REFS)]
        self.turn = asyncio.Lock()
        """Held by the phone that is linking this device: one at a time."""
        self._confirmed: asyncio.Future[bytes] | None = None
        self._bundle: asyncio.Future[bytes] | None = None

    def begin(self) -> None:
        """Hand out the references that the device shows as QR codes."""
        self._network.registrations.update(dict.fromkeys(self._refs, self))
        refs = [Node("ref", {}, ref.encode()) for ref in self._refs]
        self._ask(Node("pair-device", {}, refs))

    def received(self, stanza: Node) -> None:
        """Take an answer, or the request for a pairing code."""
        if stanza.tag != "iq":
            return
        kind = stanza.text("type")
        if kind == "set" and (code := stanza.find("link_code_companion_reg")) is not None:
            self._answer(stanza, self._code_stage(code))
        elif kind in {"get", "set"}:
            self._answer(stanza, [])
        elif kind == "error":
            error = stanza.get("error")
            self._refuse(f"the device refused: {error.text('code')} {error.text('text', '')}".rstrip())
        elif (signed := stanza.find("pair-device-sign", "device-identity")) is not None:
            _settle(self._confirmed, signed.data())

    def lost(self) -> None:
        """Take notice that the connection ended: its codes are worth nothing now."""
        self._withdraw_codes()
        self._refuse("the device hung up before it was linked")

    def cut(self) -> None:
        """Cut the connection as a broken network would."""
        self._connection.abort()

    async def key_bundle(self, primary_hello: list[Node]) -> bytes:
        """Tell the device that its code was typed; give the bundle it answers; raises LinkingRefusedError."""
        self._bundle = asyncio.get_running_loop().create_future()
        hello = Node("link_code_companion_reg", {"stage": "primary_hello"}, primary_hello)
        attrs: Attributes = {"from": SERVICE, "type": "link_code_companion_reg"}
        attrs |= {"id": self._network.stanza_id(), "t": self._network.now()}
        self._connection.send(Node("notification", attrs, [hello]))
        return await _answered(self._bundle)

    async def offer(self, identity_box: bytes, *, pn: Jid, lid: Jid) -> bytes:
        """Offer the device its identity; give it back as countersigned. Raises LinkingRefusedError."""
        self._withdraw_codes()
        self._confirmed = asyncio.get_running_loop().create_future()
        parts = [
            Node("device-identity", {}, identity_box),
            Node("device", {"jid": pn, "lid": lid}),
            Node("platform", {"name": "android"}),
        ]
        self._ask(Node("pair-success", {}, parts))
        return await _answered(self._confirmed)

    def link(self, account: Account, device: int, key_index: int) -> LinkedDevice:
        """Make the device a companion of the account, and have it log in."""
        companion = self.companion
        linked = LinkedDevice(
            number=account.number,
            device=device,
            noise_public=companion.noise_public,
            identity=companion.identity,
            registration_id=companion.registration_id,
            signed_prekey=companion.signed_prekey,
            key_index=key_index,
            platform=companion.platform,
            linked_at=int(self._network.now()),
        )
        self._network.link(linked)
        self._connection.hang_up(Node("stream:error", {"code": "515"}))
        return linked

    def _code_stage(self, code: Node) -> list[Node]:
        if code.text("stage") == "companion_finish":
            _settle(self._bundle, code.data("link_code_pairing_wrapped_key_bundle"))
            return []
        account = self._network.directory.find(code.jid("jid"))
        ref = secrets.token_bytes(16)
        wrapped = code.data("link_code_pairing_wrapped_companion_ephemeral_pub")
        if len(wrapped) != 80:  # noqa: PLR2004 - salt 32, counter 16, key 32
            raise StanzaError("the wrapped key of a pairing code has 80 bytes")
        if account is not None:
            self._network.code_offers[account.number] = CodeOffer(self, ref, wrapped)
        parts = [Node("link_code_pairing_ref", {}, ref)]
        return [Node("link_code_companion_reg", {"stage": "companion_hello"}, parts)]

    def _withdraw_codes(self) -> None:
        for ref in self._refs:
            self._network.registrations.pop(ref, None)
        for number, offer in list(self._network.code_offers.items()):
            if offer.registration is self:
                del self._network.code_offers[number]

    def _ask(self, question: Node) -> None:
        attrs: Attributes = {"from": SERVICE, "type": "set", "id": self._network.stanza_id()}
        self._connection.send(Node("iq", attrs | {"xmlns": "md", "t": self._network.now()}, [question]))

    def _answer(self, question: Node, content: list[Node]) -> None:
        attrs: Attributes = {"from": SERVICE, "type": "result", "id": question.text("id")}
        self._connection.send(Node("iq", attrs, content or None))

    def _refuse(self, why: str) -> None:
        for waiting in (self._confirmed, self._bundle):
            if waiting is not None and not waiting.done():
                waiting.set_exception(LinkingRefusedError(why))


def _settle(waiting: asyncio.Future[bytes] | None, answer: bytes) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(answer)


async def _answered(waiting: asyncio.Future[bytes]) -> bytes:
    try:
        return await asyncio.wait_for(waiting, ANSWER_SECONDS)
    except TimeoutError:
        raise LinkingRefusedError("the device did not answer") from None
