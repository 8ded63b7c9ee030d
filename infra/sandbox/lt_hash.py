"""LTHash: a hash of a set, to which members are added, and from which they are taken, in any order.

It is 64 lanes of 16 bits (little-endian), held here in one big integer, so that all lanes are added at once.
Source: whatsmeow, appstate/lthash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.signal.kdf import hkdf

if TYPE_CHECKING:
    from collections.abc import Iterable

_BYTES = 128
EMPTY = bytes(_BYTES)
"""The hash of the empty set."""

_TOP_BITS = int.from_bytes(b"\x00\x80" * 64, "little")
_LOW_BITS = int.from_bytes(b"\xff\x7f" * 64, "little")


def lt_hash(base: bytes, *, added: Iterable[bytes] = (), removed: Iterable[bytes] = ()) -> bytes:
    """Give the hash, 128 bytes, of the set that `base` stands for with these members added and removed."""
    lanes = int.from_bytes(base, "little")
    for member in added:
        lanes = _plus(lanes, _lanes(member))
    for member in removed:
        lanes = _minus(lanes, _lanes(member))
    return lanes.to_bytes(_BYTES, "little")


def _lanes(member: bytes) -> int:
    return int.from_bytes(hkdf(member, b"WhatsApp Patch Integrity", _BYTES), "little")


# A lane's top bit is worked out apart from the rest, so that no carry or borrow reaches the next lane.


def _plus(a: int, b: int) -> int:
    return ((a & _LOW_BITS) + (b & _LOW_BITS)) ^ ((a ^ b) & _TOP_BITS)


def _minus(a: int, b: int) -> int:
    return ((a | _TOP_BITS) - (b & _LOW_BITS)) ^ (~(a ^ b) & _TOP_BITS)
