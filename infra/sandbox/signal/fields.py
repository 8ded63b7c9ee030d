"""Protobuf's wire form of 32-bit numbers and byte strings: all that Signal's messages consist of."""

from __future__ import annotations

from infra.sandbox.signal.curve import untyped
from infra.sandbox.signal.errors import SignalFormatError

_NUMBER, _BYTES = 0, 2
_MAX_NUMBER = 0xFFFFFFFF
_MORE = 0x80


class Fields(dict[int, "int | bytes"]):
    """The fields of one message by their number; the last of a repeated field counts."""

    @classmethod
    def read(cls, data: bytes) -> Fields:
        """Read a message; raises SignalFormatError."""
        fields = cls()
        at, end = 0, len(data)
        while at < end:
            tag, at = _read_varint(data, at)
            value, at = _read_varint(data, at)
            kind = tag & 7
            if kind == _NUMBER:
                fields[tag >> 3] = value
            elif kind == _BYTES and at + value <= end:
                fields[tag >> 3] = data[at : at + value]
                at += value
            else:
                raise SignalFormatError(f"field {tag >> 3} is cut off or of another kind")
        return fields

    def number(self, field: int) -> int:
        """Give a number that must be there; raises SignalFormatError."""
        value = self.get(field)
        if not isinstance(value, int):
            raise SignalFormatError(f"field {field} is no number")
        return value

    def data(self, field: int) -> bytes:
        """Give a byte string that must be there; raises SignalFormatError."""
        value = self.get(field)
        if not isinstance(value, bytes):
            raise SignalFormatError(f"field {field} is no byte string")
        return value

    def key(self, field: int) -> bytes:
        """Give the 32 bytes of a public key that must be there; raises InvalidKeyError."""
        return untyped(self.data(field))


def number(field: int, value: int) -> bytes:
    """Write a number."""
    return _varint(field << 3 | _NUMBER) + _varint(value)


def data(field: int, value: bytes) -> bytes:
    """Write a byte string."""
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    if value < _MORE:
        return bytes((value,))
    groups = bytearray()
    while value >= _MORE:
        groups.append(value & 0x7F | _MORE)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Give a number and the place after it; raises SignalFormatError."""
    if at < len(data) and (short := data[at]) < _MORE:  # nearly all of them
        return short, at + 1
    value = shift = 0
    for byte in data[at : at + 5]:
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < _MORE and value <= _MAX_NUMBER:
            return value, at
        shift += 7
    raise SignalFormatError("a number is cut off or does not end")
