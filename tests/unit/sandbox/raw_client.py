"""A client written from the protocol, that can stop at any stage of a connection and say anything there."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from infra.contract.jid import SERVICE
from infra.sandbox.protobufs import wa6
from infra.sandbox.wire import binary_xml
from infra.sandbox.wire.frames import CONNECTION_HEADER, frame
from infra.sandbox.wire.node import Node
from tests.unit.sandbox.wire.initiator import Client

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from websockets.typing import Origin

    from infra.sandbox.address import SandboxAddress
    from infra.sandbox.network.accounts import LinkedDevice
    from infra.sandbox.wire.node import Attributes

_HOST = "web.whatsapp.com"
_ORIGIN = cast("Origin", f"https://{_HOST}")
_SECONDS = 20.0


class RawClient:
    """One connection. Leaving the context says no more, and waits until the server has hung up."""

    def __init__(self, address: SandboxAddress) -> None:
        self._address = address
        self._noise = Client()
        self._websocket = ClientProtocol(parse_uri(f"wss://{_HOST}/ws/chat"), origin=_ORIGIN, max_size=None)
        self._messages: deque[bytes] = deque()

    async def __aenter__(self) -> Self:
        proxy = urlsplit(self._address.proxy)
        self._socket = socket.create_connection((proxy.hostname, proxy.port))
        self._socket.setblocking(False)  # noqa: FBT003 - the name of the call says it
        self._reader, self._writer = await asyncio.open_connection(sock=self._socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(_SECONDS):
                    while await self._reader.read(1 << 16):
                        pass
        finally:
            self._writer.transport.abort()

    async def tunnel(self, host: str = _HOST) -> None:
        """Ask the proxy for a host."""
        self._writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert (await self._reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")

    async def encrypt(self) -> None:
        """Do all up to TLS."""
        await self.tunnel()
        trust = ssl.create_default_context(cafile=self._address.ca_file)
        await self._writer.start_tls(trust, server_hostname=_HOST)

    async def upgrade(self) -> None:
        """Do all up to the websocket."""
        await self.encrypt()
        self._websocket.send_request(self._websocket.connect())
        self._flush()
        head = await self._reader.readuntil(b"\r\n\r\n")
        self._websocket.receive_data(head)
        assert self._websocket.events_received()
        assert self._websocket.state is State.OPEN, head

    async def greet(self) -> None:
        """Do all up to the server's part of the Noise handshake."""
        await self.upgrade()
        self.say(CONNECTION_HEADER + frame(self._noise.hello()))
        answer = await self._message()
        assert answer is not None
        self._noise.read_server_hello(answer[3:])

    async def finish(self, payload: bytes) -> None:
        """Do all up to a ClientPayload; what the server makes of it shows in what it says next."""
        await self.greet()
        self.say(frame(self._noise.finish(payload)))
        self._sending, self._receiving = (AESGCM(key) for key in self._noise.derive(b""))
        self._sent = self._received = 0

    async def log_in(self, device: LinkedDevice, static: X25519PrivateKey) -> None:
        """Do all that a linked device does until it gets its mail."""
        self._noise = Client(static)
        payload = wa6.ClientPayload(username=int(device.number), device=device.device)
        await self.finish(payload.SerializeToString())
        success = await self.hear()
        assert success is not None
        assert success.tag == "success"
        assert await self.ask("passive", Node("active"))

    def say_tcp(self, data: bytes) -> None:
        """Say something below TLS."""
        os.write(self._socket.fileno(), data)

    def say_tls(self, data: bytes) -> None:
        """Say something below the websocket; before TLS it is plain."""
        self._writer.write(data)

    def say(self, data: bytes) -> None:
        """Say one message of the websocket."""
        self._websocket.send_binary(data)
        self._flush()

    def say_encrypted(self, plaintext: bytes) -> None:
        """Say one frame as the Noise transport has it."""
        self.say(self.sealed(plaintext))

    def sealed(self, plaintext: bytes) -> bytes:
        """Give the next frame as the Noise transport has it."""
        self._sent += 1
        return frame(self._sending.encrypt((self._sent - 1).to_bytes(12, "big"), plaintext, None))

    def send(self, stanza: Node) -> None:
        """Say one stanza."""
        self.say_encrypted(binary_xml.pack(binary_xml.encode(stanza)))

    async def hear(self) -> Node | None:
        """Give the next stanza, or None when the server has ended the connection."""
        if (message := await self._message()) is None:
            return None
        self._received += 1
        plaintext = self._receiving.decrypt((self._received - 1).to_bytes(12, "big"), message[3:], None)
        return binary_xml.decode(binary_xml.unpack(plaintext))

    async def ask(self, namespace: str, *question: Node) -> Node | None:
        """Ask the server something, and give its answer, or None when it has ended the connection."""
        attrs: Attributes = {"id": f"ask-{self._sent}", "to": SERVICE, "type": "set", "xmlns": namespace}
        self.send(Node("iq", attrs, list(question) or None))
        while (heard := await self.hear()) is not None:
            if heard.tag == "iq" and heard.attrs.get("id") == attrs["id"]:
                return heard
        return None

    async def _message(self) -> bytes | None:
        """Give the next binary message of the websocket, or None when it has ended."""
        while not self._messages:
            try:
                data = await asyncio.wait_for(self._reader.read(1 << 16), _SECONDS)
            except OSError:  # reset, as the server does to those that it does not understand
                return None
            if not data:
                return None
            self._websocket.receive_data(data)
            self._take_events()
        return self._messages.popleft()

    def _take_events(self) -> None:
        for event in self._websocket.events_received():
            if (received := cast("Frame", event)).opcode is Opcode.BINARY:
                self._messages.append(bytes(received.data))

    def _flush(self) -> None:
        self._writer.writelines(self._websocket.data_to_send())
