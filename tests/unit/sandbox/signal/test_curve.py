"""Curve25519: agreement against RFC 7748 and another library, signatures against libsignal and Ed25519."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.signal.curve import KeyPair, agree, sign, typed, untyped, verify
from infra.sandbox.signal.errors import BadSignatureError, InvalidKeyError

_P = 2**255 - 19

# libsignal-protocol-c, test_curve25519.c; the signature has its top bit set.
LIBSIGNAL_IDENTITY = bytes.fromhex("ab7e717d4a163b7d9a1d8071dfe9dcf8cdcd1cea3339b6356be84d887e322c64")
LIBSIGNAL_MESSAGE = bytes.fromhex("05edce9d9c415ca78cb7252e72c2c4a554d3eb29485a0e1d503118d1a82d99fb4a")
LIBSIGNAL_SIGNATURE = bytes.fromhex(
    "5de88ca9a89b4a115da79109c67c9c7464a3e4180274f1cb8c63c2984e286dfb"
    "ede82deb9dcd9fae0bfbb821569b3d9001bd8130cd11d486cef047bd60b86e88"
)


def edwards_key_with_sign_0(public: bytes) -> Ed25519PublicKey:
    u = int.from_bytes(public, "little")
    y = (u - 1) * pow(u + 1, -1, _P) % _P
    return Ed25519PublicKey.from_public_bytes(y.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("private", "public", "shared"),
    [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
        (
            "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
            "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
        ),
    ],
)
def test_agreement_gives_what_rfc_7748_gives(private: str, public: str, shared: str) -> None:
    agreed = agree(bytes.fromhex(private), bytes.fromhex(public))

    assert agreed.hex() == shared


@given(private=st.binary(min_size=32, max_size=32))
def test_keys_and_agreement_are_those_of_another_library(private: bytes) -> None:
    other = X25519PrivateKey.from_private_bytes(private)
    pair = KeyPair.generate()

    agreed = agree(private, pair.public)

    assert agreed == other.exchange(X25519PublicKey.from_public_bytes(pair.public))
    assert agreed == agree(pair.private, other.public_key().public_bytes_raw())


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31), b"", bytes(31), bytes(33)])
def test_a_key_that_agrees_with_nobody_is_refused(public: bytes) -> None:
    pair = KeyPair.generate()

    with pytest.raises(InvalidKeyError):
        agree(pair.private, public)


def test_a_signature_by_libsignal_with_the_top_bit_set_is_genuine() -> None:
    verify(LIBSIGNAL_IDENTITY, LIBSIGNAL_MESSAGE, LIBSIGNAL_SIGNATURE)


@pytest.mark.parametrize("place", range(64))
def test_a_signature_with_one_flipped_bit_is_not_genuine(place: int) -> None:
    flipped = bytearray(LIBSIGNAL_SIGNATURE)
    flipped[place] ^= 1

    with pytest.raises(BadSignatureError):
        verify(LIBSIGNAL_IDENTITY, LIBSIGNAL_MESSAGE, bytes(flipped))


@given(message=st.binary(max_size=300))
def test_what_is_signed_verifies_here_and_as_plain_ed25519(message: bytes) -> None:
    pair = KeyPair.generate()

    signature = sign(pair.private, message)

    verify(pair.public, message, signature)
    edwards_key_with_sign_0(pair.public).verify(signature, message)


@given(message=st.binary(max_size=50), other=st.binary(max_size=50))
def test_a_signature_holds_for_its_message_only(message: bytes, other: bytes) -> None:
    pair = KeyPair.generate()
    signature = sign(pair.private, message)

    if message != other:
        with pytest.raises(BadSignatureError):
            verify(pair.public, other, signature)
        with pytest.raises(InvalidSignature):
            edwards_key_with_sign_0(pair.public).verify(signature, other)


@pytest.mark.parametrize(
    ("public", "signature"), [(bytes(31), bytes(64)), (bytes(32), bytes(63)), (b"", b"")]
)
def test_keys_and_signatures_of_a_wrong_length_are_refused(public: bytes, signature: bytes) -> None:
    with pytest.raises(BadSignatureError):
        verify(public, b"message", signature)


def test_a_key_travels_with_its_type() -> None:
    public = KeyPair.generate().public

    assert typed(public) == b"\x05" + public
    assert untyped(typed(public)) == public


@pytest.mark.parametrize("key", [b"", b"\x05", bytes(33), b"\x05" + bytes(31), b"\x05" + bytes(33)])
def test_a_travelling_key_of_another_type_or_length_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidKeyError):
        untyped(key)
