"""Sessions against values published by Signal, and against messages written by the Go library in neonize.

The second kind was recorded from go.mau.fi/libsignal talking to keys that are the SHA-256 of their names.
"""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from infra.sandbox.signal.curve import KeyPair, sign, typed
from infra.sandbox.signal.device import DeviceKeys, Envelope, EnvelopeKind, PreKeyBundle, SignalDevice
from infra.sandbox.signal.errors import DuplicateMessageError
from infra.sandbox.signal.handshake import initiate, respond
from infra.sandbox.signal.messages import PreKeySignalMessage, SignalMessage
from infra.sandbox.signal.session import SessionRecord

# SignalProtocolKit, RatchetingSessionTest.m ("Android test vectors").
ALICE = "5820d92bbf3e748068019490c3aa945021faa6d243e48649f66bd6a445991763"
ALICE_BASE = "28d304a2eb00fb63f85e6d4cefc6bf131b5ee562b46bd52ccb528a8461ddc365"
ALICE_RATCHET = "98040bae6b3d029cf125dc8ed807ce33fce007d82f676d7bc71a5b913b603b67"
BOB = "c8f3a63934cedeee3707ff7971050d583b637dd22115e3fd2b1d41222c292465"
BOB_SIGNED_PREKEY = "70cc770a82747099b7cc05cc69735878413ecfeefe85b5f714ff85368c987052"
PLAINTEXT = b"This is a plaintext message."
SEALED = bytes.fromhex("""
    330a2105b62ae025b8ffee3aeb011bf778e626225617307a95879131d99d274906ee576a1000180022209ef2d0e1304c01e0
    687b445a27647951d4c70bf3d3ac23a58df722dc2276c3a69606abbe2e316388
""")

GO_WROTE_FIRST = bytes.fromhex("""
    33080b1221050ed85597aa982178214d7c945f5447da2060fbd48448b242bfe6d19db544815c1a2105ec81153a13f692d47f
    a0968e18c08dd1d7636f322cf72e43544d65761f00b3402242330a2105535bf670610bfb5066f0bc1e0e2a3ff57d65376254
    13b95adc2d80ed43046514100018002210426d0d12fcecc42736a2d639df55c644e514215c7b6347c728ebd19dc00c3007
""")
GO_WROTE_SECOND = bytes.fromhex("""
    33080b1221050ed85597aa982178214d7c945f5447da2060fbd48448b242bfe6d19db544815c1a2105ec81153a13f692d47f
    a0968e18c08dd1d7636f322cf72e43544d65761f00b3402242330a2105535bf670610bfb5066f0bc1e0e2a3ff57d65376254
    13b95adc2d80ed43046514100118002210b378dad4e35d8e416eb0ad7936160463345888f25496770c28ebd19dc00c3007
""")
GO_BUNDLE = PreKeyBundle(
    registration_id=2711435739,
    identity=bytes.fromhex("50ee41ead722ef7c786bc666891fbee80965c11b9f6f9b8d4e7cf9a77eb1682f"),
    signed_prekey_id=0,
    signed_prekey=bytes.fromhex("5b66ead6f333c45cc7d85bbafde2195f1fada50d385271fc07095c431fff0051"),
    signed_prekey_signature=bytes.fromhex("""
        fbd001c05674845e6f5f35b6ecff3eb57207baf1a03c00f8bdfd5712abcf366b
        af3996c19297034c2bf633fecaca4286f93a7d7f794a2b6a88ff94f7d4142c81
    """),
    prekey_id=1,
    prekey=bytes.fromhex("9d343f189121914e0184441c6ed6114410d2d767e5c50dac9468c67c4fb6d72c"),
)
GO_READ = bytes.fromhex("""
    330801122105fb0c440b373f3ec2d7f964f1cad0a82ec64dd40610179d2e777ab9155494d7201a210543ad554837e5121524
    d821d12990b33a8eb57371a268595046e81cf48e53ae722242330a210541062e9d19e51b238111be410cb3d88fb806aa830f
    f12054899e787afe7ca84b100018002210c78017ea0d2b99c54e5b74c484f30c3bb318082dd0272a4e28e7243000
""")
GO_ANSWERED = bytes.fromhex("""
    330a2105baa06ce146dc3fcafc03efe92439b8521098877ed179012c53e1a42291382d2f100018ffffffff0f2210b174b055
    5f8ac266dbc169003e5b44f6f544f22e2f7666cb
""")


def a_pair(private: bytes) -> KeyPair:
    return KeyPair(private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())


def published_pair(private: str) -> KeyPair:
    return a_pair(bytes.fromhex(private))


def named_pair(name: str) -> KeyPair:
    return a_pair(hashlib.sha256(name.encode()).digest())


def the_device_go_wrote_to() -> SignalDevice:
    identity, signed_prekey = named_pair("identity"), named_pair("signed prekey")
    return SignalDevice(
        DeviceKeys(
            registration_id=4711,
            identity=identity,
            signed_prekey_id=7,
            signed_prekey=signed_prekey,
            signed_prekey_signature=sign(identity.private, typed(signed_prekey.public)),
            next_prekey_id=12,
            prekeys={11: named_pair("one-time prekey")},
        )
    )


def test_the_starter_writes_what_signal_published() -> None:
    bundle = PreKeyBundle(
        registration_id=1,
        identity=published_pair(BOB).public,
        signed_prekey_id=1,
        signed_prekey=published_pair(BOB_SIGNED_PREKEY).public,
        signed_prekey_signature=b"",
    )

    state = initiate(
        published_pair(ALICE), bundle, base=published_pair(ALICE_BASE), ratchet=published_pair(ALICE_RATCHET)
    )
    sealed, _ = state.encrypt(PLAINTEXT)

    assert state.root.hex() == "c35af181b0bfeab5d9711220c160d643f6e81c0011bfa1aa16aef36a91cd1a9b"
    assert state.sending is not None
    assert state.sending.key.hex() == "8aa205ea1700c085b643e9684f6a537488bd9f3ea01d00f95855e18fab9fbe51"
    assert sealed == SEALED


def test_the_answerer_reads_what_signal_published() -> None:
    first = PreKeySignalMessage(
        registration_id=1,
        prekey_id=None,
        signed_prekey_id=1,
        base_key=published_pair(ALICE_BASE).public,
        identity=published_pair(ALICE).public,
        sealed=SEALED,
    )

    state = respond(published_pair(BOB), first, published_pair(BOB_SIGNED_PREKEY), prekey=None)
    plaintext, _ = state.decrypt(SignalMessage.decode(SEALED), SEALED)

    assert state.root.hex() == "89f9576037c1076c192211fb2261e4c444585144c28c1c6e7c48b691269bf2e6"
    assert plaintext == PLAINTEXT


def test_a_device_reads_what_go_wrote_in_any_order() -> None:
    device = the_device_go_wrote_to()

    second = device.decrypt("go", Envelope(EnvelopeKind.PKMSG, GO_WROTE_SECOND))
    first = device.decrypt("go", Envelope(EnvelopeKind.PKMSG, GO_WROTE_FIRST))

    assert (first, second) == (b"first", b"second")
    assert not device.keys.prekeys


def test_a_device_writes_what_go_reads_and_reads_its_answer() -> None:
    GO_BUNDLE.verify()
    state = initiate(
        named_pair("identity"), GO_BUNDLE, base=named_pair("base"), ratchet=named_pair("ratchet")
    )

    envelope, record = SessionRecord((state,)).encrypt(b"hello\x01", registration_id=4711)
    answer, record = record.decrypt(GO_ANSWERED)

    sent, read_by_go = PreKeySignalMessage.decode(envelope.ciphertext), PreKeySignalMessage.decode(GO_READ)
    assert sent == read_by_go
    assert answer == b"answer\x01"
    with pytest.raises(DuplicateMessageError):
        record.decrypt(GO_ANSWERED)
