"""Curve25519 for Signal: key pairs, agreement (X25519) and signatures with the same keys (XEdDSA).

All of it comes from libsodium by way of `xeddsa`. Its X25519 takes half the time of `cryptography`'s,
that computes the public key anew whenever a private key is loaded.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Self

import msgspec
from xeddsa import bindings as xeddsa

from infra.sandbox.signal.errors import BadSignatureError, InvalidKeyError

KEY_LENGTH = 32
SIGNATURE_LENGTH = 64

_TYPE = b"\x05"
_SIGN_BIT = 0x80


class KeyPair(msgspec.Struct, frozen=True):
    """A private key and its public point, 32 bytes each."""

    private: bytes
    public: bytes

    @classmethod
    def generate(cls) -> Self:
        """Make a new pair from the system's randomness."""
        private = secrets.token_bytes(KEY_LENGTH)
        return cls(private, xeddsa.priv_to_curve25519_pub(private))


def typed(public: bytes) -> bytes:
    """Give a public key as it travels and as it is signed: 05, then its 32 bytes (libsignal, ecc)."""
    return _TYPE + public


def untyped(key: bytes) -> bytes:
    """Give the 32 bytes of a key that travelled; raises InvalidKeyError."""
    if len(key) != 1 + KEY_LENGTH or not key.startswith(_TYPE):
        raise InvalidKeyError(f"no Curve25519 key: {len(key)} bytes")
    return key[1:]


def agree(private: bytes, public: bytes) -> bytes:
    """Give the 32 bytes that both sides can compute; raises InvalidKeyError."""
    try:
        return xeddsa.x25519(private, public)
    except (ValueError, xeddsa.XEdDSAException) as error:
        raise InvalidKeyError("a public key that agrees with nobody") from error


def sign(private: bytes, message: bytes) -> bytes:
    """Give the 64 bytes of an XEdDSA signature, whose top bit is always clear."""
    return xeddsa.ed25519_priv_sign(_signing_scalar(private), message)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if the signature is genuine; raises BadSignatureError.

    libsignal (SignCurve25519.go) carries the sign of the signer's Edwards key in the signature's top bit.
    """
    if len(signature) != SIGNATURE_LENGTH or len(public) != KEY_LENGTH:
        raise BadSignatureError("a key or signature of the wrong length")
    sign_bit = bool(signature[-1] & _SIGN_BIT)
    plain = signature[:-1] + bytes((signature[-1] & ~_SIGN_BIT,))
    if not xeddsa.ed25519_verify(plain, xeddsa.curve25519_pub_to_ed25519_pub(public, sign_bit), message):
        raise BadSignatureError("the signature does not fit")


@lru_cache(maxsize=1024)
def _signing_scalar(private: bytes) -> bytes:
    """Give the key whose Edwards point has sign 0, without which half of all keys sign in vain.

    Kept, since to compute it is a third of the cost of a signature.
    """
    return xeddsa.priv_force_sign(private, set_sign_bit=False)
