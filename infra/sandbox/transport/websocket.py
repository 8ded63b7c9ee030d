"""The server's side of WhatsApp's websocket, on a stream that is TLS already: binary messages in and out."""

from __future__ import annotations

import asyncio
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, cast

from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.http11 import Request, Response
    from websockets.typing import Origin

WEBSOCKET_HOST = "web.whatsapp.com"
"""The one host that speaks the websocket, at one path (whatsmeow, socket/constants.go)."""

_PATH = "/ws/chat"
_ORIGIN = cast("Origin", f"https://{WEBSOCKET_HOST}")
_MAX_MESSAGE = 4 + 3 + (1 << 24)  # connection header, length, FrameMaxSize (whatsmeow, socket/framesocket.go)
_DATA = frozenset({Opcode.BINARY, Opcode.CONT})
_CHUNK = 64 << 10
_CLOSE_SECONDS = 2.0
_RESET = struct.pack("ii", 1, 0)


class Channel(Protocol):
    """One open websocket, as its server sees it."""

    @property
    def closed(self) -> bool:
        """Whether it ended or is ending: nothing is received any more, and what is sent goes nowhere."""

    def send(self, data: bytes) -> None:
        """Send one binary message; never blocks and never raises, also when closed."""

    async def drain(self) -> None:
        """Wait while more is unsent than is wise to buffer; returns at once when closed."""

    def close(self) -> None:
        """Close as the websocket protocol wants it, within two seconds."""

    def abort(self) -> None:
        """Reset the TCP connection: the client sees its network fail."""


class Receiver(Protocol):
    """What a server does about one websocket."""

    def received(self, data: bytes) -> None:
        """Take one binary message."""

    def lost(self) -> None:
        """Learn that it ended; called exactly once, whoever ended it."""


async def serve_websocket(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    on_open: Callable[[Channel], Receiver],
    *,
    handshake_seconds: float,
) -> None:
    """Upgrade and serve until the websocket ended; raises TimeoutError when the client never asks for it."""
    async with asyncio.timeout(handshake_seconds):
        protocol = await _upgrade(reader, writer)
    if protocol is None:
        return
    websocket = _Websocket(protocol, writer.transport, on_open)
    writer.transport.set_protocol(websocket)
    try:
        await websocket.ended.wait()
    finally:
        websocket.abort()
        await websocket.ended.wait()


async def _upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> ServerProtocol | None:
    protocol = ServerProtocol(origins=[_ORIGIN], max_size=_MAX_MESSAGE)
    while not (events := protocol.events_received()) and protocol.handshake_exc is None:
        if data := await reader.read(_CHUNK):
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
    if events:
        protocol.send_response(_answer(protocol, cast("Request", events[0])))
    writer.writelines(protocol.data_to_send())
    return protocol if protocol.state is State.OPEN else None


def _answer(protocol: ServerProtocol, request: Request) -> Response:
    if request.headers.get_all("Host") not in ([WEBSOCKET_HOST], [f"{WEBSOCKET_HOST}:443"]):
        return protocol.reject(HTTPStatus.MISDIRECTED_REQUEST, "Not this server's host.\n")
    if request.path.partition("?")[0] != _PATH:
        return protocol.reject(HTTPStatus.NOT_FOUND, f"The websocket is at {_PATH}.\n")
    return protocol.accept(request)


class _Websocket(asyncio.Protocol):
    """A Channel that takes over the transport of an upgraded stream."""

    def __init__(
        self,
        protocol: ServerProtocol,
        transport: asyncio.WriteTransport,
        on_open: Callable[[Channel], Receiver],
    ) -> None:
        self.ended = asyncio.Event()
        self._protocol = protocol
        self._transport = transport
        self._fragments: list[bytes] = []
        self._writable = asyncio.Event()
        self._writable.set()
        self._deadline: asyncio.TimerHandle | None = None
        self._receiver = on_open(self)

    @property
    def closed(self) -> bool:
        return self._protocol.state is not State.OPEN

    def send(self, data: bytes) -> None:
        if not self.closed:
            self._protocol.send_binary(data)
            self._flush()

    async def drain(self) -> None:
        await self._writable.wait()

    def close(self) -> None:
        if not self.closed:
            self._protocol.send_close(CloseCode.NORMAL_CLOSURE)
            self._flush()

    def abort(self) -> None:
        self._protocol.receive_eof()
        if not self._transport.is_closing():
            tcp = cast("socket.socket", self._transport.get_extra_info("socket"))
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._protocol.state is State.CLOSED:
            return
        self._protocol.receive_data(data)
        for frame in self._protocol.events_received():
            if not self.closed:
                self._take(cast("Frame", frame))
        self._flush()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._protocol.receive_eof()
        if self._deadline is not None:
            self._deadline.cancel()
        self._writable.set()
        self.ended.set()
        self._receiver.lost()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT:
            self._protocol.fail(CloseCode.UNSUPPORTED_DATA, "only binary messages")
        elif frame.opcode in _DATA:
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                message = b"".join(self._fragments)
                self._fragments.clear()
                self._receiver.received(message)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                self._transport.close()
        if self.closed and self._deadline is None:
            # Neither the websocket's nor TLS's farewell may wait for a silent client.
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(_CLOSE_SECONDS, self._transport.abort)
