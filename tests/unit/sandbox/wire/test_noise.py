"""The handshake is Noise XX, and only a client that knows how gets through it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.protobufs import wa6
from infra.sandbox.signal.curve import KeyPair, agree
from infra.sandbox.wire.noise import HandshakeError, NoiseError, ServerHandshake, SymmetricState, Transport
from tests.unit.sandbox.wire.initiator import Client, message

CHAIN = b"a certificate chain"
PAYLOAD = b"a client payload"
LOW_ORDER_POINTS = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]


def a_key_pair(private: str) -> KeyPair:
    key = X25519PrivateKey.from_private_bytes(bytes.fromhex(private))
    return KeyPair(key.private_bytes_raw(), key.public_key().public_bytes_raw())


# A published vector: cacophony's, as snow keeps it. Unlike WhatsApp's, its first message has a payload.
EPHEMERAL = a_key_pair("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b")
STATIC = a_key_pair("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893")
FIRST = bytes.fromhex(
    "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"  # e
    "4c756477696720766f6e204d69736573"  # payload
)
SECOND = bytes.fromhex(
    "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"  # e
    "757117acceb05bd7a45733bc22015c97a9d0cbaf41b80446d5988ff5127235d76b79eade70f473d6a4ef521fdcbeda53"  # s
    "40d01e028ba793fc059f2724a83af05f12dda0448a7621a926b379a92477fd"  # payload
)
THIRD = bytes.fromhex(
    "c90f1cf77eba4e50edb038991565e36c9758943a989229b6051244dc4fbecb6946744b401af2ee1a5881b65fbb87fd07"  # s
    "cb6a328ececc9ce6ce84c399dc332d4fd521fa4bb7f467ce909395"  # payload
)
FOURTH = bytes.fromhex("bc3fa77f6aca3e8466d7dc6bea10013e88a6a29add5132b461806c")
FIFTH = bytes.fromhex("250b01074cdfe0df2ecf8ccbf1737b15a2ddb5b52fd9a396604e9c793cee3b3bb9")
SIXTH = bytes.fromhex("449d4d433b3cdc3d02bf6fc881774b9df54366ebcffb9689bb13f14709822cd7ef42bcdb4d")
HANDSHAKE_HASH = bytes.fromhex("1b7aefb1125762aa21a252890d00af54519638b76437444538f9a52f21e2e0dc")


def a_handshake() -> ServerHandshake:
    return ServerHandshake(KeyPair.generate(), CHAIN)


def a_client_that_read_the_answer_of(server: ServerHandshake) -> Client:
    client = Client()
    client.read_server_hello(server.answer_hello(client.hello()))
    return client


def test_the_published_handshake_of_this_noise_protocol_is_met() -> None:
    state = SymmetricState(b"John Galt")

    state.mix_hash(FIRST[:32])
    state.mix_hash(FIRST[32:])
    state.mix_hash(EPHEMERAL.public)
    state.mix_key(agree(EPHEMERAL.private, FIRST[:32]))
    second = EPHEMERAL.public + state.encrypt(STATIC.public)
    state.mix_key(agree(STATIC.private, FIRST[:32]))
    second += state.encrypt(b"Murray Rothbard")
    client_static = state.decrypt(THIRD[:48])
    state.mix_key(agree(EPHEMERAL.private, client_static))
    payload = state.decrypt(THIRD[48:])
    receiving_key, sending_key = state.split()
    transport = Transport(sending_key=sending_key, receiving_key=receiving_key)

    assert (second, payload, state.hash) == (SECOND, b"F. A. Hayek", HANDSHAKE_HASH)
    assert transport.encrypt(b"Carl Menger") == FOURTH
    assert transport.decrypt(FIFTH) == b"Jean-Baptiste Say"
    assert transport.encrypt(b"Eugen B\xf6hm von Bawerk") == SIXTH


def test_a_client_learns_the_server_and_the_server_the_client() -> None:
    static, client = KeyPair.generate(), Client()
    server = ServerHandshake(static, CHAIN)

    seen = client.read_server_hello(server.answer_hello(client.hello()))
    established = server.finish(client.finish(PAYLOAD))

    assert seen == (static.public, CHAIN)
    assert (established.client_payload, established.client_static) == (PAYLOAD, client.public)


def test_the_transport_keys_are_the_clients_with_counters_from_zero_in_each_direction() -> None:
    server = a_handshake()
    client = a_client_that_read_the_answer_of(server)
    transport = server.finish(client.finish(PAYLOAD)).transport
    to_server, to_client = (AESGCM(key) for key in client.derive(b""))

    for counter in range(300):
        nonce = counter.to_bytes(12, "big")
        assert transport.decrypt(to_server.encrypt(nonce, b"up", None)) == b"up"
        assert to_client.decrypt(nonce, transport.encrypt(b"down"), None) == b"down"


def test_each_handshake_has_an_ephemeral_key_of_its_own() -> None:
    static = KeyPair.generate()
    hello = Client().hello()

    answers = [ServerHandshake(static, CHAIN).answer_hello(hello) for _ in range(2)]

    assert answers[0] != answers[1]


@pytest.mark.parametrize("body", [b"", b"\xff\xff", message(clientFinish={"static": b"s", "payload": b"p"})])
def test_a_body_that_is_no_client_hello_is_refused(body: bytes) -> None:
    with pytest.raises(HandshakeError):
        a_handshake().answer_hello(body)


@pytest.mark.parametrize("key", [*LOW_ORDER_POINTS, b"short", bytes(33)], ids=bytes.hex)
def test_an_ephemeral_key_that_agrees_with_nobody_is_refused(key: bytes) -> None:
    with pytest.raises(HandshakeError):
        a_handshake().answer_hello(message(clientHello={"ephemeral": key}))


@pytest.mark.parametrize("key", [*LOW_ORDER_POINTS, b"short", bytes(33)], ids=bytes.hex)
def test_a_static_key_that_agrees_with_nobody_is_refused(key: bytes) -> None:
    server = a_handshake()
    client = a_client_that_read_the_answer_of(server)

    with pytest.raises(HandshakeError):
        server.finish(message(clientFinish={"static": client.encrypt(key), "payload": b""}))


@pytest.mark.parametrize("part", ["static", "payload"])
def test_a_client_finish_with_one_changed_bit_is_refused(part: str) -> None:
    server = a_handshake()
    finish: Any = wa6.HandshakeMessage.FromString(a_client_that_read_the_answer_of(server).finish(PAYLOAD))
    genuine = getattr(finish.clientFinish, part)
    setattr(finish.clientFinish, part, genuine[:-1] + bytes((genuine[-1] ^ 1,)))

    with pytest.raises(HandshakeError):
        server.finish(finish.SerializeToString())


def test_a_client_finish_before_the_hello_is_refused() -> None:
    finish = a_client_that_read_the_answer_of(a_handshake()).finish(PAYLOAD)

    with pytest.raises(HandshakeError):
        a_handshake().finish(finish)


@given(st.binary(max_size=200))
def test_garbage_is_refused_by_name_at_every_step(garbage: bytes) -> None:
    server = a_handshake()
    server.answer_hello(Client().hello())

    with pytest.raises(HandshakeError):
        a_handshake().answer_hello(garbage)
    with pytest.raises(HandshakeError):
        server.finish(garbage)


def test_a_frame_that_was_changed_repeated_or_cut_is_refused() -> None:
    sender = Transport(sending_key=b"k" * 32, receiving_key=b"-" * 32)
    first, second = sender.encrypt(b"first"), sender.encrypt(b"second")

    for frames in ([b"\0" + first[1:]], [second], [first, first], [first[:-1]], [b""]):
        receiver = Transport(sending_key=b"-" * 32, receiving_key=b"k" * 32)
        for genuine in frames[:-1]:
            receiver.decrypt(genuine)
        with pytest.raises(NoiseError):
            receiver.decrypt(frames[-1])
