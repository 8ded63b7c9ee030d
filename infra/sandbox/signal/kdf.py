"""How Signal makes keys out of keys: HKDF and the step of a chain."""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SHA256 = SHA256()


def hkdf(secret: bytes, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    """Derive `length` bytes with HKDF-SHA256 (RFC 5869); no salt means 32 zero bytes."""
    return HKDF(_SHA256, length, salt, info).derive(secret)


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """Give the 32 bytes of HMAC-SHA256 (RFC 2104)."""
    return hmac.digest(key, message, "sha256")


def chain_step(key: bytes) -> tuple[bytes, bytes]:
    """Give the seed of this message's keys and the key of the next step, 32 bytes each (ChainKey.go)."""
    return hmac_sha256(key, b"\x01"), hmac_sha256(key, b"\x02")
