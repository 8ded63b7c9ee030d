"""Digits on the wire: ids and numbers of few different characters, packed two to a byte.

The first byte is the alphabet's tag, the second counts the bytes that follow; its top bit says that the last
half byte only fills up (whatsmeow, binary/encoder.go and decoder.go). The same ids and numbers come again and
again, so the last few thousand are kept.
"""

from __future__ import annotations

from functools import lru_cache

HEX8 = 251
"""The tag of `0-9A-F`."""
NIBBLE8 = 255
"""The tag of `0-9-.`, whose last two characters are written as the digits a and b."""

PACKED_LIMIT = 127
"""The longest text, in characters, that is written in this form."""

_ODD = 0x80


@lru_cache(maxsize=4096)
def pack(text: str) -> bytes | None:
    """Give the packed form of a text within the limit, or None when it is in neither alphabet."""
    # To strip all characters of an alphabet is the quickest way to ask whether there are others.
    if not text.strip("0123456789-."):
        return _packed(NIBBLE8, text.replace("-", "a").replace(".", "b"))
    if not text.strip("0123456789ABCDEF"):
        return _packed(HEX8, text)
    return None


def _packed(tag: int, digits: str) -> bytes:
    size, odd = divmod(len(digits), 2)
    if odd:
        return bytes((tag, size + 1 | _ODD)) + bytes.fromhex(digits + "f")
    return bytes((tag, size)) + bytes.fromhex(digits)


def packed_size(second: int) -> int:
    """Give the whole length of a packed form from its second byte."""
    return 2 + (second & ~_ODD)


@lru_cache(maxsize=4096)
def unpack(packed: bytes) -> str:
    """Give the text back; raises ValueError."""
    digits = packed[2:].hex()
    if packed[1] & _ODD:
        digits = digits[:-1]
    if packed[0] == HEX8:
        return digits.upper()
    if digits.strip("0123456789ab"):
        raise ValueError("a half byte that is no digit")
    return digits.replace("a", "-").replace("b", ".")
