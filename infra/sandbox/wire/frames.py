"""Frames on the websocket: 3 bytes of big-endian length, then the body (whatsmeow, socket/framesocket.go).

    FrameError
    ├── ConnectionHeaderError
    └── OversizedFrameError

After any of them the connection cannot go on.
"""

from __future__ import annotations

from infra.sandbox.wire.tokens import DICTIONARY_VERSION

CONNECTION_HEADER = b"WA" + bytes((6, DICTIONARY_VERSION))
"""What a client sends once, before its first frame: the magic number and its dictionaries' version."""

FRAME_LIMIT = 4 << 20
"""The longest body, in bytes, that a reader takes unless told otherwise."""

_ROUTING_HEADER = b"ED\x00\x01"
_LENGTH_SIZE = 3
_HEADER_SIZE = 4


class FrameError(ValueError):
    """These bytes are not the frames of a WhatsApp client."""


class ConnectionHeaderError(FrameError):
    """The connection does not begin as a WhatsApp client's does."""


class OversizedFrameError(FrameError):
    """A frame is longer than this side takes, or than 3 bytes of length can say."""


def frame(body: bytes) -> bytes:
    """Give the frame of a body. Send it as one message: whatsmeow garbles a frame split over several."""
    try:
        return len(body).to_bytes(_LENGTH_SIZE, "big") + body
    except OverflowError as error:
        raise OversizedFrameError(f"a body of {len(body)} bytes fits in no frame") from error


class FrameReader:
    """Takes a client's bytes as they come and gives whole bodies. After an error it is of no more use."""

    def __init__(self, *, limit: int = FRAME_LIMIT) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._header_awaited = True

    def feed(self, data: bytes) -> list[bytes]:
        """Give the bodies that these bytes complete, in order; raises FrameError."""
        self._pending += data
        if self._header_awaited and not self._take_header():
            return []
        bodies = []
        at = 0
        while (end := self._end_of_chunk(at)) is not None:
            bodies.append(bytes(self._pending[at + _LENGTH_SIZE : end]))
            at = end
        del self._pending[:at]
        return bodies

    def _take_header(self) -> bool:
        """Drop the header, with the routing information before it if there is any; False if incomplete."""
        at: int | None = 0
        if self._pending.startswith(_ROUTING_HEADER):
            at = self._end_of_chunk(_HEADER_SIZE)
        if at is None or len(self._pending) < at + _HEADER_SIZE:
            return False
        if not self._pending.startswith(CONNECTION_HEADER, at):
            raise ConnectionHeaderError("the connection does not begin as a WhatsApp client's does")
        del self._pending[: at + _HEADER_SIZE]
        self._header_awaited = False
        return True

    def _end_of_chunk(self, at: int) -> int | None:
        """Say where the chunk ends whose length stands here, or None while it is incomplete."""
        start = at + _LENGTH_SIZE
        if len(self._pending) < start:
            return None
        size = int.from_bytes(self._pending[at:start], "big")
        if size > self._limit:
            raise OversizedFrameError(f"{size} bytes announced, {self._limit} allowed")
        return start + size if len(self._pending) >= start + size else None
