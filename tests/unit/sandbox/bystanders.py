"""A sandbox under attack, and those whom the attack must not touch."""

from __future__ import annotations

import asyncio
import logging
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import httpx

from infra.contract.jid import SERVICE, Jid
from infra.sandbox.network.accounts import LinkedDevice, SignedPrekey
from infra.sandbox.phones import acting
from infra.sandbox.server import Sandbox
from infra.sandbox.signal.device import DeviceKeys, SignalDevice
from infra.sandbox.wire.node import Node
from tests.unit.sandbox import random_stanzas
from tests.unit.sandbox.raw_client import RawClient
from tests.unit.sandbox.wire.initiator import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from infra.sandbox.wire.node import Attributes

ADA = "14155550100"
"""Whose device attacks."""
BOB = "14155550101"
"""Whose device stays connected all the time."""
CYD = "14155550102"
"""Who has only a phone."""

_SECONDS = 20.0


class Device:
    """A linked device of an account, that the network was made to believe in."""

    def __init__(self, sandbox: Sandbox, number: str) -> None:
        self.noise = Client()
        self.signal = SignalDevice(DeviceKeys.generate())
        self._sandbox = sandbox
        self._number = number

    def link(self) -> LinkedDevice:
        """Link it, with the number 1; again changes nothing."""
        bundle = self.signal.prekey_bundle(one_time=False)
        device = LinkedDevice(
            number=self._number,
            device=1,
            noise_public=self.noise.public,
            identity=bundle.identity,
            registration_id=bundle.registration_id,
            signed_prekey=SignedPrekey(
                bundle.signed_prekey_id, bundle.signed_prekey, bundle.signed_prekey_signature
            ),
            key_index=1,
            platform="fuzz",
            linked_at=0,
        )
        self._sandbox.network.directory.link(device)
        return device

    @asynccontextmanager
    async def online(self) -> AsyncIterator[RawClient]:
        """Link it, and log in."""
        async with RawClient(self._sandbox.address) as client:
            await client.log_in(self.link(), self.noise.static)
            yield client


class Complaints(logging.Handler):
    """All that is logged as an error, and all that the event loop complains of."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._complaints: list[str] = []

    def __enter__(self) -> Self:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: self._complaints.append(str(context))
        )
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take what was logged."""
        self._complaints.append(self.format(record))

    def taken(self) -> list[str]:
        """Give what came since the last time."""
        complaints, self._complaints = self._complaints, []
        return complaints


class Bystanders:
    """Bob's device, online, and the phones of Bob and Cyd."""

    def __init__(self, sandbox: Sandbox, bob: RawClient, complaints: Complaints) -> None:
        self.sandbox = sandbox
        self.attacker = Device(sandbox, ADA)
        self._bob = bob
        self._complaints = complaints
        groups = sandbox.network.groups
        self.group = groups.create(CYD, "with Ada", [ADA, BOB]).jid
        self.foreign_group = groups.create(CYD, "without Ada", [BOB]).jid

    @property
    def jids(self) -> list[Jid]:
        """The addresses of everybody and everything."""
        accounts = list(self.sandbox.network.directory)
        people = [
            jid for account in accounts for jid in (account.pn, account.lid, account.lid.with_device(1))
        ]
        return [*people, self.group, self.foreign_group, SERVICE]

    def genuine_stanzas(self) -> list[Node]:
        """Give what a linked device says, to and about Bob and the groups."""
        bob = self.sandbox.network.directory.get(BOB).lid
        return [
            stanza
            for group in (self.group, self.foreign_group)
            for kind in (random_stanzas.questions, random_stanzas.messages, random_stanzas.notices)
            for stanza in kind(bob, group)
        ]

    def message_from_attacker(self, plaintext: bytes, *, to_group: bool) -> Node:
        """Encrypt for Bob's phone, in a Signal session as it should be."""
        bob = self.sandbox.phones.get(BOB)
        signal = self.attacker.signal
        signal.start_session(BOB, bob.prekey_bundle())
        envelope = signal.encrypt(BOB, plaintext)
        enc = Node("enc", {"v": "2", "type": envelope.kind.value}, envelope.ciphertext)
        to = Node("to", {"jid": bob.account.lid}, [enc])
        attrs: Attributes = {"id": secrets.token_hex(8), "to": self.group if to_group else bob.account.lid}
        return Node("message", {**attrs, "type": "text"}, [Node("participants", {}, [to])])

    async def assert_unharmed(self) -> None:
        """Fail unless Bob is served, Cyd can write to all, and nothing is left of the attacker."""
        stats, directory = self.sandbox.network.stats, self.sandbox.network.directory
        async with asyncio.timeout(_SECONDS):
            while stats.connections > 1:  # noqa: ASYNC110 - the counter is all there is to see
                await asyncio.sleep(0.001)
        cyd = self.sandbox.phones.get(CYD)
        ada = directory.get(ADA)
        for number in (ADA, BOB):
            acting.write(cyd, number, "still there?")
        acting.write(cyd, str(self.group), "and you?")
        for device in directory.companions(ada):
            self.sandbox.network.unlink(device)
        cyd.keyring.forget_session(ada.lid.with_device(1))
        answer = await self._bob.ask("w:p")
        assert answer is not None
        assert answer.attrs["type"] == "result"
        assert self._complaints.taken() == []


@asynccontextmanager
async def bystanders(folder: Path) -> AsyncIterator[Bystanders]:
    """Run a sandbox; at the end everything must still be readable, by the control API and after a restart."""
    with Complaints() as complaints:
        async with Sandbox(folder) as sandbox:
            for number in (ADA, BOB, CYD):
                sandbox.phones.buy(number, number)
            async with Device(sandbox, BOB).online() as bob:
                yield Bystanders(sandbox, bob, complaints)
            async with httpx.AsyncClient(base_url=sandbox.address.control, trust_env=False) as control:
                for number in (ADA, BOB, CYD):
                    for shown in ("messages", "events"):
                        answer = await control.get(f"/phones/{number}/{shown}", timeout=_SECONDS)
                        assert answer.is_success, answer.text
    assert asyncio.all_tasks() == {asyncio.current_task()}
    async with Sandbox(folder):
        pass
