"""Groups: sender keys, told and used in any order, against the Go library and against plain primitives."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.signal.chain import Chain
from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.signal.errors import (
    BadSignatureError,
    DuplicateMessageError,
    NoSenderKeyError,
    SignalError,
    SignalFormatError,
    TooFarAheadError,
)
from infra.sandbox.signal.sender_keys import MAX_STATES, OwnSenderKey, SenderKeyRecord
from tests.unit.sandbox.signal.devices import a_device

if TYPE_CHECKING:
    from infra.sandbox.signal.device import SignalDevice

GROUP, SENDER = "120363021@g.us", "83471112233:3"

# Recorded from go.mau.fi/libsignal.
GO_TOLD = bytes.fromhex("""
    3308fcfaf8e00310001a20e9ae24bc117edd16fb0bc77bb64d66367720ea0ab19c82966cdd65ca83855b0322210571794b71
    f95fafa02bcd373d96574ec4c3cd1c8b508e061d43a476ea3858c621
""")
GO_WROTE = {
    b"one": bytes.fromhex("""
        3308fcfaf8e00310001a10235a0dff63d59bde67a1bfebc8bc40a7dd844d287bc26fa337187599d41591e8b5352830deb7a3
        f28d50b9b9d02351670623f431be68c3a65785bea82154ba7400725a35939d8f1d844a7cbf9f2c8505
    """),
    b"two": bytes.fromhex("""
        3308fcfaf8e00310011a10294e887fda2f204a8480fc406600635822c459094b95112ffa1797db10b851c67b4f30f6efe613
        99cbecac7e66262303b48f466f1422a5996888c6e1172efac1483832c19013edacfe12757b5a680c05
    """),
    b"three": bytes.fromhex("""
        3308fcfaf8e00310021a102295fa57f014ef5a28da2e0a2f44cfe3e96ce011a195b8ef2f817dd66a9647dbc92c2d4d6dc768
        d763fe3027a60381d87fa5f97c19dfe778196dccbb291cde2cf4f227013f459c51b2b157cd9c1a160c
    """),
}


def a_sender_and_a_member() -> tuple[SignalDevice, SignalDevice]:
    """Give a device that writes to the group, and one that was told its key."""
    sender, member = a_device(), a_device()
    member.process_distribution(GROUP, SENDER, sender.group_distribution(GROUP))
    return sender, member


def stored(device: SignalDevice) -> bytes:
    return msgspec.msgpack.encode([device.keys, list(device.sender_keys.items())])


def test_members_read_what_go_wrote_in_any_order() -> None:
    member = a_device()
    member.process_distribution(GROUP, SENDER, GO_TOLD)

    for message in (b"three", b"one", b"two"):
        assert member.decrypt_group(GROUP, SENDER, GO_WROTE[message]) == message


def test_it_writes_what_go_read() -> None:
    private = hashlib.sha256(b"signing").digest()
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    own = OwnSenderKey(99, KeyPair(private, public), Chain(hashlib.sha256(b"chain").digest()))

    ciphertext, _ = own.encrypt(b"group\x01")

    assert own.distribution().hex() == (
        "33086310001a209414886b1ebf025db067a4cbd13a0903fbd9733a5372bba1b58bd72c1699b798"
        "22210560216ff739588e7260501bed39124c1fa0f081ef489efb22d5218eaaee399162"
    )
    assert ciphertext[:-64].hex() == "33086310001a102fd85f4a4529cc0bc08a9158feae25df"


def test_its_keys_are_those_of_plain_hmac_and_aes() -> None:
    chain_key = bytes(range(32))
    own = OwnSenderKey(1, KeyPair.generate(), Chain(chain_key))
    ciphertext, _ = own.encrypt(b"group")

    seed = hmac.digest(chain_key, b"\x01", "sha256")
    extracted = hmac.digest(bytes(32), seed, "sha256")
    block_1 = hmac.digest(extracted, b"WhisperGroup\x01", "sha256")
    block_2 = hmac.digest(extracted, block_1 + b"WhisperGroup\x02", "sha256")
    key_material = (block_1 + block_2)[:48]
    decryptor = Cipher(algorithms.AES(key_material[16:]), modes.CBC(key_material[:16])).decryptor()

    assert decryptor.update(ciphertext[-80:-64]) == b"group" + b"\x0b" * 11


@given(order=st.permutations(range(8)), again=st.integers(0, 7))
def test_messages_are_read_once_in_any_order(order: list[int], again: int) -> None:
    sender, member = a_sender_and_a_member()
    messages = [f"message {number}".encode() for number in range(8)]
    ciphertexts = [sender.encrypt_group(GROUP, message) for message in messages]

    read = [member.decrypt_group(GROUP, SENDER, ciphertexts[number]) for number in order]

    assert read == [messages[number] for number in order]
    with pytest.raises(DuplicateMessageError):
        member.decrypt_group(GROUP, SENDER, ciphertexts[again])


@given(where=st.integers(0), mask=st.integers(1, 255))
def test_an_altered_message_is_never_read_and_changes_nothing(where: int, mask: int) -> None:
    sender, member = a_sender_and_a_member()
    sender.encrypt_group(GROUP, b"lost")
    ciphertext = sender.encrypt_group(GROUP, b"hello")
    altered = bytearray(ciphertext)
    altered[where % len(altered)] ^= mask
    before = stored(member)

    with pytest.raises(SignalError):
        member.decrypt_group(GROUP, SENDER, bytes(altered))

    assert stored(member) == before
    assert member.decrypt_group(GROUP, SENDER, ciphertext) == b"hello"


@given(data=st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(data: bytes) -> None:
    _, member = a_sender_and_a_member()

    for encoded in (data, b"\x33" + data):
        with pytest.raises(SignalError):
            member.decrypt_group(GROUP, SENDER, encoded)
        with pytest.raises(SignalFormatError):
            member.process_distribution(GROUP, SENDER, encoded)


def test_a_message_before_its_distribution_asks_for_the_sender_key() -> None:
    sender, _ = a_sender_and_a_member()
    member = a_device()

    with pytest.raises(NoSenderKeyError):
        member.decrypt_group(GROUP, SENDER, sender.encrypt_group(GROUP, b"hello"))


def test_nothing_is_written_before_anybody_was_told_the_key() -> None:
    device = a_device()

    with pytest.raises(NoSenderKeyError):
        device.encrypt_group(GROUP, b"hello")


def test_who_is_told_late_reads_only_what_follows() -> None:
    sender, _ = a_sender_and_a_member()
    earlier = sender.encrypt_group(GROUP, b"earlier")
    late = a_device()

    late.process_distribution(GROUP, SENDER, sender.group_distribution(GROUP))

    assert late.decrypt_group(GROUP, SENDER, sender.encrypt_group(GROUP, b"later")) == b"later"
    with pytest.raises(DuplicateMessageError):
        late.decrypt_group(GROUP, SENDER, earlier)


def test_being_told_a_known_key_again_loses_nothing_and_repeats_nothing() -> None:
    sender, member = a_sender_and_a_member()
    first_told = sender.group_distribution(GROUP)
    overtaken, read = sender.encrypt_group(GROUP, b"overtaken"), sender.encrypt_group(GROUP, b"read")
    member.decrypt_group(GROUP, SENDER, read)

    member.process_distribution(GROUP, SENDER, sender.group_distribution(GROUP))
    member.process_distribution(GROUP, SENDER, first_told)

    assert member.decrypt_group(GROUP, SENDER, overtaken) == b"overtaken"
    with pytest.raises(DuplicateMessageError):
        member.decrypt_group(GROUP, SENDER, read)


def test_messages_of_the_key_before_are_still_read() -> None:
    sender, member = a_sender_and_a_member()
    on_its_way = sender.encrypt_group(GROUP, b"old key")
    del sender.own_sender_keys[GROUP]

    member.process_distribution(GROUP, SENDER, sender.group_distribution(GROUP))

    assert member.decrypt_group(GROUP, SENDER, sender.encrypt_group(GROUP, b"new key")) == b"new key"
    assert member.decrypt_group(GROUP, SENDER, on_its_way) == b"old key"


def test_no_more_keys_of_a_sender_are_kept_than_libsignal_keeps() -> None:
    record = SenderKeyRecord()

    for _ in range(MAX_STATES + 2):
        record = record.told(OwnSenderKey.generate().distribution())

    assert len(record.states) == MAX_STATES


def test_a_key_belongs_to_one_sender_in_one_group() -> None:
    sender, member = a_sender_and_a_member()
    ciphertext = sender.encrypt_group(GROUP, b"hello")

    with pytest.raises(NoSenderKeyError):
        member.decrypt_group("another group", SENDER, ciphertext)
    with pytest.raises(NoSenderKeyError):
        member.decrypt_group(GROUP, "another sender", ciphertext)


def test_a_member_cannot_write_in_the_name_of_another() -> None:
    sender, member = a_sender_and_a_member()
    own = sender.own_sender_keys[GROUP]
    forged, _ = OwnSenderKey(own.key_id, KeyPair.generate(), own.chain).encrypt(b"hello\x01")

    with pytest.raises(BadSignatureError):
        member.decrypt_group(GROUP, SENDER, forged)


def test_a_group_message_too_far_ahead_is_refused() -> None:
    _, member = a_sender_and_a_member()
    own = OwnSenderKey.generate()
    member.process_distribution(GROUP, SENDER, own.distribution())
    ciphertext, _ = OwnSenderKey(own.key_id, own.signing, Chain(own.chain.key, 2001)).encrypt(b"\x01")

    with pytest.raises(TooFarAheadError):
        member.decrypt_group(GROUP, SENDER, ciphertext)


def test_keys_survive_being_stored() -> None:
    sender, member = a_sender_and_a_member()
    skipped = sender.encrypt_group(GROUP, b"skipped")
    member.decrypt_group(GROUP, SENDER, sender.encrypt_group(GROUP, b"read"))

    own = msgspec.msgpack.encode(sender.own_sender_keys[GROUP])
    told = msgspec.msgpack.encode(member.sender_keys[GROUP, SENDER])
    sender.own_sender_keys[GROUP] = msgspec.msgpack.decode(own, type=OwnSenderKey)
    member.sender_keys[GROUP, SENDER] = msgspec.msgpack.decode(told, type=SenderKeyRecord)

    assert member.decrypt_group(GROUP, SENDER, skipped) == b"skipped"
    assert member.decrypt_group(GROUP, SENDER, sender.encrypt_group(GROUP, b"next")) == b"next"
