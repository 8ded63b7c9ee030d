"""Bytes that protobuf's parsers take for messages, with fields of the right numbers and wrong contents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from infra.sandbox.protobufs import e2e, wa6

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

_NUMBERS = sorted({field.number for field in e2e.Message.DESCRIPTOR.fields} | set(range(1, 20)))
_ODD_BYTES = [b"", b"\xff\xfe", b"text", b"120363000@g.us", bytes(32), b"\x33" + bytes(70)]


def wire() -> SearchStrategy[bytes]:
    """Give nested fields in protobuf's wire form, as numbered in the `Message` of WhatsApp."""
    leaves = st.sampled_from(_ODD_BYTES) | st.binary(max_size=40) | st.integers(0, 2**64 - 1)
    contents = st.recursive(leaves, lambda inner: st.lists(_field(inner), max_size=4).map(b"".join))
    return st.lists(_field(contents), max_size=4).map(b"".join)


@st.composite
def client_payloads(draw: DrawFn, username: int) -> bytes:
    """Give payloads of known and unknown devices that log in or want to be linked."""
    payload = wa6.ClientPayload()
    if draw(st.booleans()):
        payload.username = draw(st.just(username) | st.integers(0, 2**64 - 1))
        payload.device = draw(st.integers(0, 2) | st.integers(0, 2**32 - 1))
    if draw(st.booleans()):
        for name, size in (("eIdent", 32), ("eSkeyVal", 32), ("eSkeySig", 64), ("eSkeyID", 3), ("eRegid", 4)):
            value = draw(st.binary(min_size=size, max_size=size) | st.binary(max_size=70))
            setattr(payload.devicePairingData, name, value)
        payload.devicePairingData.deviceProps = draw(st.binary(max_size=20) | wire())
    return bytes(payload.SerializeToString())


def _field(contents: SearchStrategy[bytes | int]) -> SearchStrategy[bytes]:
    return st.builds(_encoded, st.sampled_from(_NUMBERS), contents)


def _encoded(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return _varint(number << 3) + _varint(content)
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*groups, value))
