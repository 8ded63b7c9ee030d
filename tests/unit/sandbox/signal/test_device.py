"""Devices: sessions and their several states, and what each error means."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.signal.device import DeviceKeys, Envelope, EnvelopeKind
from infra.sandbox.signal.errors import (
    BadMacError,
    DuplicateMessageError,
    NoSessionError,
    SignalError,
    SignalFormatError,
    TooFarAheadError,
)
from infra.sandbox.signal.messages import PreKeySignalMessage
from infra.sandbox.signal.session import MAX_STATES, SessionRecord
from tests.unit.sandbox.signal.devices import a_device, stored, two_devices, two_who_have_talked


def test_it_writes_pkmsg_until_the_peer_has_answered() -> None:
    alice, bob = two_devices()

    before = [alice.encrypt("bob", b"1"), alice.encrypt("bob", b"2")]
    read = [bob.decrypt("alice", envelope) for envelope in before]
    answer = bob.encrypt("alice", b"3")
    alice.decrypt("bob", answer)
    after = alice.encrypt("bob", b"4")

    assert read == [b"1", b"2"]
    assert [envelope.kind for envelope in before] == [EnvelopeKind.PKMSG] * 2
    assert answer.kind is EnvelopeKind.MSG
    assert after.kind is EnvelopeKind.MSG
    assert bob.decrypt("alice", after) == b"4"


@given(message=st.binary(max_size=200))
def test_a_message_arrives_whatever_its_bytes(message: bytes) -> None:
    alice, bob = two_devices()

    assert bob.decrypt("alice", alice.encrypt("bob", message)) == message


def test_without_a_session_nothing_is_encrypted_or_decrypted() -> None:
    alice, bob = two_who_have_talked()
    later = alice.encrypt("bob", b"later")
    stranger = a_device()

    with pytest.raises(NoSessionError):
        stranger.encrypt("bob", b"hello")
    with pytest.raises(NoSessionError):
        stranger.decrypt("alice", later)

    assert bob.decrypt("alice", later) == b"later"


def test_a_forgotten_session_is_started_anew() -> None:
    alice, bob = two_who_have_talked()

    alice.forget_session("bob")
    forgotten = not alice.has_session("bob")
    alice.start_session("bob", bob.prekey_bundle())

    assert forgotten
    assert bob.decrypt("alice", alice.encrypt("bob", b"again")) == b"again"


def test_a_repeated_pkmsg_is_a_duplicate_and_its_successor_uses_the_same_state() -> None:
    alice, bob = two_devices()
    first, second = alice.encrypt("bob", b"1"), alice.encrypt("bob", b"2")
    bob.decrypt("alice", first)

    with pytest.raises(DuplicateMessageError):
        bob.decrypt("alice", first)

    assert bob.decrypt("alice", second) == b"2"
    assert len(bob.sessions["alice"].states) == 1


def test_a_new_pkmsg_does_not_drop_the_state_in_use() -> None:
    alice, bob = two_who_have_talked()
    on_its_way = alice.encrypt("bob", b"old state")
    alice.start_session("bob", bob.prekey_bundle())

    new = bob.decrypt("alice", alice.encrypt("bob", b"new state"))
    old = bob.decrypt("alice", on_its_way)

    assert (new, old) == (b"new state", b"old state")


def test_both_may_start_at_the_same_time() -> None:
    alice, bob = two_devices()
    bob.start_session("alice", alice.prekey_bundle())
    from_alice, from_bob = alice.encrypt("bob", b"a"), bob.encrypt("alice", b"b")

    read = [bob.decrypt("alice", from_alice), alice.decrypt("bob", from_bob)]
    later = [
        bob.decrypt("alice", alice.encrypt("bob", b"c")),
        alice.decrypt("bob", bob.encrypt("alice", b"d")),
    ]

    assert read == [b"a", b"b"]
    assert later == [b"c", b"d"]


def test_no_more_states_are_kept_than_libsignal_keeps() -> None:
    alice, bob = two_devices()

    for _ in range(MAX_STATES + 3):
        alice.start_session("bob", bob.prekey_bundle(one_time=False))
        bob.decrypt("alice", alice.encrypt("bob", b"hello"))

    assert len(bob.sessions["alice"].states) == MAX_STATES


def test_a_message_is_read_while_its_chain_is_one_of_the_last_five() -> None:
    alice, bob = two_who_have_talked()
    late = []
    for turn in range(7):
        late.append(alice.encrypt("bob", f"late {turn}".encode()))
        bob.decrypt("alice", alice.encrypt("bob", b"in time"))
        alice.decrypt("bob", bob.encrypt("alice", b"turns the ratchet"))

    read = [bob.decrypt("alice", envelope) for envelope in late[2:]]

    assert read == [f"late {turn}".encode() for turn in range(2, 7)]
    with pytest.raises(BadMacError):
        bob.decrypt("alice", late[1])


def test_a_message_too_far_ahead_is_refused_and_changes_nothing() -> None:
    alice, bob = two_who_have_talked()
    bob.decrypt("alice", alice.encrypt("bob", b"now"))
    for _ in range(2001):
        far = alice.encrypt("bob", b"far ahead")
    before = stored(bob)

    with pytest.raises(TooFarAheadError):
        bob.decrypt("alice", replace(far, ciphertext=alice.encrypt("bob", b"farther").ciphertext))

    assert stored(bob) == before
    assert bob.decrypt("alice", far) == b"far ahead"


def test_a_message_for_another_identity_is_not_authentic() -> None:
    alice, bob = two_devices()
    first = PreKeySignalMessage.decode(alice.encrypt("bob", b"hello").ciphertext)
    claimed = replace(first, identity=KeyPair.generate().public)

    with pytest.raises(BadMacError):
        bob.decrypt("alice", Envelope(EnvelopeKind.PKMSG, claimed.encode()))


def test_a_message_without_padding_is_refused_and_changes_nothing() -> None:
    alice, bob = two_who_have_talked()
    envelope, _ = alice.sessions["bob"].encrypt(b"no padding\x00", registration_id=1)
    before = stored(bob)

    with pytest.raises(SignalFormatError):
        bob.decrypt("alice", envelope)

    assert stored(bob) == before


def test_a_session_survives_being_stored() -> None:
    alice, bob = two_who_have_talked()
    late = alice.encrypt("bob", b"late")
    bob.decrypt("alice", alice.encrypt("bob", b"early"))

    for device, peer in ((alice, "bob"), (bob, "alice")):
        encoded = msgspec.msgpack.encode(device.sessions[peer])
        device.sessions[peer] = msgspec.msgpack.decode(encoded, type=SessionRecord)
        device.keys = msgspec.msgpack.decode(msgspec.msgpack.encode(device.keys), type=DeviceKeys)

    assert bob.decrypt("alice", late) == b"late"
    assert alice.decrypt("bob", bob.encrypt("alice", b"and on")) == b"and on"


def test_only_what_changed_is_another_object() -> None:
    alice, bob = two_who_have_talked()
    alice.start_session("carol", a_device().prekey_bundle())
    with_bob, with_carol = alice.sessions["bob"], alice.sessions["carol"]

    alice.decrypt("bob", bob.encrypt("alice", b"hello"))

    assert alice.sessions["bob"] is not with_bob
    assert alice.sessions["carol"] is with_carol


@given(kind=st.sampled_from(EnvelopeKind), ciphertext=st.binary(max_size=200))
def test_random_bytes_are_refused_by_name(kind: EnvelopeKind, ciphertext: bytes) -> None:
    alice, _ = two_who_have_talked()

    for data in (ciphertext, b"\x33" + ciphertext):
        with pytest.raises(SignalError):
            alice.decrypt("bob", Envelope(kind, data))
