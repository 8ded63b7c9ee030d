"""Whatever a client says, at whatever stage: only its own connection may suffer.

SANDBOX_FUZZ_EXAMPLES=2000 makes each test that much longer.
"""

from __future__ import annotations

import os
import zlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.contract.jid import Jid
from infra.sandbox.protobufs import wa6
from infra.sandbox.wire.binary_xml import encode
from infra.sandbox.wire.frames import CONNECTION_HEADER, FRAME_LIMIT, frame
from infra.sandbox.wire.node import Node
from tests.unit.sandbox import random_protobufs, random_stanzas
from tests.unit.sandbox.bystanders import ADA, BOB, Bystanders, bystanders
from tests.unit.sandbox.raw_client import RawClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EXAMPLES = int(os.environ.get("SANDBOX_FUZZ_EXAMPLES", "25"))
fuzz = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120 + 2 * EXAMPLES)]
garbage = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=3)
KEYS = {
    "eIdent": bytes(32),
    "eSkeyVal": bytes(32),
    "eSkeySig": bytes(64),
    "eRegid": bytes(4),
    "eSkeyID": bytes(3),
}
REGISTRATION = wa6.ClientPayload(devicePairingData=KEYS).SerializeToString()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def others(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bystanders]:
    async with bystanders(tmp_path_factory.mktemp("sandbox")) as standing_by:
        yield standing_by


@fuzz
@given(chunks=garbage, stage=st.sampled_from(["connected", "tunnelled", "encrypted"]))
async def test_random_bytes_below_the_websocket_harm_nobody_else(
    others: Bystanders, chunks: list[bytes], stage: str
) -> None:
    async with RawClient(others.sandbox.address) as client:
        match stage:
            case "tunnelled":
                await client.tunnel()
            case "encrypted":
                await client.encrypt()
        for chunk in chunks:
            client.say_tcp(chunk)

    await others.assert_unharmed()


@fuzz
@given(chunks=garbage, stage=st.sampled_from(["encrypted", "upgraded", "greeted"]))
async def test_random_bytes_inside_tls_harm_nobody_else(
    others: Bystanders, chunks: list[bytes], stage: str
) -> None:
    async with RawClient(others.sandbox.address) as client:
        match stage:
            case "encrypted":
                await client.encrypt()
            case "upgraded":
                await client.upgrade()
            case _:
                await client.greet()
        for chunk in chunks:
            client.say_tls(chunk)

    await others.assert_unharmed()


@fuzz
@given(chunks=garbage, header=st.sampled_from([b"", CONNECTION_HEADER, b"ED\x00\x01\x00\x00\x02"]))
async def test_random_frames_instead_of_a_handshake_harm_nobody_else(
    others: Bystanders, chunks: list[bytes], header: bytes
) -> None:
    async with RawClient(others.sandbox.address) as client:
        await client.upgrade()
        client.say(header)
        for chunk in chunks:
            client.say(frame(chunk))

    await others.assert_unharmed()


@fuzz
@given(payload=st.binary(max_size=200) | random_protobufs.wire() | random_protobufs.client_payloads(int(ADA)))
async def test_a_random_client_payload_harms_nobody_else(others: Bystanders, payload: bytes) -> None:
    others.attacker.link()
    async with RawClient(others.sandbox.address) as client:
        await client.finish(payload)

    await others.assert_unharmed()


@fuzz
@given(chunks=garbage, logged_in=st.booleans(), encrypted=st.booleans())
async def test_random_frames_after_the_handshake_harm_nobody_else(
    others: Bystanders, chunks: list[bytes], *, logged_in: bool, encrypted: bool
) -> None:
    async with others.attacker.online() if logged_in else registering(others) as client:
        for chunk in chunks:
            if encrypted:
                client.say_encrypted(chunk)
            else:
                client.say(frame(chunk))

    await others.assert_unharmed()


@fuzz
@given(data=st.data())
async def test_broken_stanzas_of_a_device_that_is_being_linked_harm_nobody_else(
    others: Bystanders, data: st.DataObject
) -> None:
    genuine = [*random_stanzas.answers_of_a_registering_device(Jid.phone_number(ADA))]
    stanzas = st.lists(random_stanzas.broken(genuine, others.jids), min_size=1, max_size=3)
    async with registering(others) as client:
        for stanza in data.draw(stanzas):
            client.send(stanza)

    await others.assert_unharmed()


@fuzz
@given(data=st.data())
async def test_broken_stanzas_of_a_linked_device_harm_nobody_else(
    others: Bystanders, data: st.DataObject
) -> None:
    stanzas = st.lists(random_stanzas.broken(others.genuine_stanzas(), others.jids), min_size=1, max_size=3)
    async with others.attacker.online() as client:
        for stanza in data.draw(stanzas):
            client.send(stanza)

    await others.assert_unharmed()


@fuzz
@given(plaintext=st.binary(max_size=100) | random_protobufs.wire(), to_group=st.booleans())
async def test_a_phone_bears_whatever_is_inside_an_envelope(
    others: Bystanders, plaintext: bytes, *, to_group: bool
) -> None:
    async with others.attacker.online() as client:
        client.send(others.message_from_attacker(plaintext, to_group=to_group))

    await others.assert_unharmed()


@fuzz
@given(cut=st.integers(0, 10**6), logged_in=st.booleans())
async def test_a_connection_that_ends_in_the_middle_of_a_frame_harms_nobody_else(
    others: Bystanders, cut: int, *, logged_in: bool
) -> None:
    async with others.attacker.online() if logged_in else registering(others) as client:
        sealed = client.sealed(b"\0" + encode(random_stanzas.an_iq("w:p")))
        client.say(sealed[: cut % len(sealed)])

    await others.assert_unharmed()


@pytest.mark.parametrize("size", [FRAME_LIMIT + 1, (1 << 24) - 1])
@pytest.mark.parametrize("complete", [False, True])
async def test_an_oversized_frame_ends_its_connection_and_no_other(
    others: Bystanders, size: int, *, complete: bool
) -> None:
    malformed = others.sandbox.network.stats.malformed

    async with others.attacker.online() as client:
        client.say(size.to_bytes(3, "big") + bytes(size if complete else 10))

        assert await client.ask("w:p") is None

    await others.assert_unharmed()
    assert others.sandbox.network.stats.malformed == malformed + 1


async def test_a_stanza_that_inflates_without_end_ends_its_connection_and_no_other(
    others: Bystanders,
) -> None:
    async with others.attacker.online() as client:
        client.say_encrypted(b"\x02" + zlib.compress(bytes(64 << 20)))

        assert await client.ask("w:p") is None

    await others.assert_unharmed()


async def test_a_huge_message_passes_like_any_other(others: Bystanders) -> None:
    to = others.sandbox.network.directory.get(BOB).lid.with_device(1)
    enc = Node("enc", {"v": "2", "type": "msg"}, bytes(FRAME_LIMIT - 1000))

    async with others.attacker.online() as client:
        client.send(Node("message", {"id": "huge", "to": to, "type": "text"}, [enc]))

        assert await client.ask("w:p") is not None

    await others.assert_unharmed()


@asynccontextmanager
async def registering(others: Bystanders) -> AsyncIterator[RawClient]:
    """Connect as a device that is not linked yet."""
    async with RawClient(others.sandbox.address) as client:
        await client.finish(REGISTRATION)
        yield client
