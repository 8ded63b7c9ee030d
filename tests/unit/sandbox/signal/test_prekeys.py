"""Prekeys: what a device hands out, accepts, uses once, and keeps when a message cannot be read."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.signal.errors import (
    BadMacError,
    BadSignatureError,
    InvalidKeyError,
    UnknownPreKeyError,
)
from infra.sandbox.signal.messages import PreKeySignalMessage
from tests.unit.sandbox.signal.devices import a_device, stored, two_devices


def test_a_session_starts_without_a_one_time_prekey_too() -> None:
    alice, bob = a_device(), a_device()
    bundle = bob.prekey_bundle(one_time=False)

    alice.start_session("bob", bundle)

    assert bundle.prekey is None
    assert bob.decrypt("alice", alice.encrypt("bob", b"hello")) == b"hello"


def test_each_bundle_carries_another_one_time_prekey() -> None:
    bob = a_device()

    bundles = [bob.prekey_bundle() for _ in range(3)]

    assert [bundle.prekey_id for bundle in bundles] == [1, 2, 3]
    assert len({bundle.prekey for bundle in bundles}) == 3


def test_a_one_time_prekey_is_gone_once_its_message_was_read() -> None:
    alice, bob = two_devices()
    envelope = alice.encrypt("bob", b"hello")
    held = dict(bob.keys.prekeys)

    bob.decrypt("alice", envelope)

    assert held
    assert not bob.keys.prekeys


def test_a_one_time_prekey_stays_when_its_message_cannot_be_read() -> None:
    alice, bob = two_devices()
    envelope = alice.encrypt("bob", b"hello")
    first = PreKeySignalMessage.decode(envelope.ciphertext)
    damaged = replace(first, sealed=first.sealed[:-1] + bytes((first.sealed[-1] ^ 1,)))
    before = stored(bob)

    with pytest.raises(BadMacError):
        bob.decrypt("alice", replace(envelope, ciphertext=damaged.encode()))

    assert stored(bob) == before
    assert bob.decrypt("alice", envelope) == b"hello"


def test_a_second_session_with_a_used_one_time_prekey_names_the_prekey() -> None:
    alice, bob = a_device(), a_device()
    bundle = bob.prekey_bundle()
    alice.start_session("bob", bundle)
    bob.decrypt("alice", alice.encrypt("bob", b"hello"))
    alice.start_session("bob", bundle)

    with pytest.raises(UnknownPreKeyError):
        bob.decrypt("alice", alice.encrypt("bob", b"again"))


def test_a_signed_prekey_of_another_device_is_unknown() -> None:
    alice, bob = a_device(), a_device()
    alice.start_session("bob", bob.prekey_bundle(one_time=False))
    bob.keys.signed_prekey_id += 1

    with pytest.raises(UnknownPreKeyError):
        bob.decrypt("alice", alice.encrypt("bob", b"hello"))


def test_a_bundle_that_its_identity_did_not_sign_is_refused() -> None:
    alice, bob = a_device(), a_device()
    forged = replace(bob.prekey_bundle(), signed_prekey=KeyPair.generate().public)

    with pytest.raises(BadSignatureError):
        alice.start_session("bob", forged)

    assert not alice.has_session("bob")


def test_a_bundle_with_a_prekey_that_agrees_with_nobody_is_refused() -> None:
    alice, bob = a_device(), a_device()

    with pytest.raises(InvalidKeyError):
        alice.start_session("bob", replace(bob.prekey_bundle(), prekey=bytes(32)))

    assert not alice.has_session("bob")
