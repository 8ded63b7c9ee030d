"""Frames come out whole, whatever the pieces in which they came in."""

from __future__ import annotations

import pytest

from infra.sandbox.wire.frames import (
    CONNECTION_HEADER,
    ConnectionHeaderError,
    FrameReader,
    OversizedFrameError,
    frame,
)

BODIES = [b"hello", b"", b"x" * 300, b"last"]
ROUTING = b"ED\x00\x01\x00\x00\x03abc"


def the_bytes(prefix: bytes = b"") -> bytes:
    return prefix + CONNECTION_HEADER + b"".join(frame(body) for body in BODIES)


def test_a_frame_is_three_bytes_of_length_and_the_body() -> None:
    assert frame(b"\xaa" * 0x010203)[:4] == b"\x01\x02\x03\xaa"


def test_a_body_too_long_for_its_length_is_refused() -> None:
    assert len(frame(bytes((1 << 24) - 1))) == (1 << 24) + 2

    with pytest.raises(OversizedFrameError):
        frame(bytes(1 << 24))


@pytest.mark.parametrize("prefix", [b"", ROUTING], ids=["plain", "with routing information"])
def test_bytes_split_at_any_position_give_the_same_bodies(prefix: bytes) -> None:
    data = the_bytes(prefix)

    for at in range(len(data) + 1):
        reader = FrameReader()

        assert reader.feed(data[:at]) + reader.feed(data[at:]) == BODIES


@pytest.mark.parametrize("prefix", [b"", ROUTING], ids=["plain", "with routing information"])
def test_bytes_that_come_one_by_one_give_the_same_bodies(prefix: bytes) -> None:
    reader = FrameReader()

    bodies = [body for byte in the_bytes(prefix) for body in reader.feed(bytes((byte,)))]

    assert bodies == BODIES


def test_the_header_is_expected_only_once() -> None:
    reader = FrameReader()
    reader.feed(CONNECTION_HEADER + frame(b"first"))

    assert reader.feed(frame(CONNECTION_HEADER)) == [CONNECTION_HEADER]


@pytest.mark.parametrize("start", [b"GET ", b"WA\x06\x02", b"WA\x05\x03", b"ED\x00\x02", b"\0\0\0\0"])
def test_a_connection_that_begins_otherwise_is_refused(start: bytes) -> None:
    with pytest.raises(ConnectionHeaderError):
        FrameReader().feed(start + b"1234")


def test_what_follows_the_routing_information_must_be_the_header() -> None:
    with pytest.raises(ConnectionHeaderError):
        FrameReader().feed(ROUTING + b"1234")


def test_an_oversized_frame_is_refused_before_its_body_comes() -> None:
    reader = FrameReader(limit=1000)

    assert reader.feed(CONNECTION_HEADER + frame(bytes(1000))) == [bytes(1000)]
    with pytest.raises(OversizedFrameError):
        reader.feed(frame(bytes(1001))[:3])


def test_oversized_routing_information_is_refused_before_it_comes() -> None:
    with pytest.raises(OversizedFrameError):
        FrameReader(limit=1000).feed(b"ED\x00\x01\xff\xff\xff")
