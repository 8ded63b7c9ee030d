"""One websocket: frames in and out, the Noise handshake, then stanzas for whoever was let in."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from infra.sandbox.wire import binary_xml
from infra.sandbox.wire.binary_xml import BinaryXmlError
from infra.sandbox.wire.frames import FrameError, FrameReader, frame
from infra.sandbox.wire.node import Node, StanzaError
from infra.sandbox.wire.noise import HandshakeError, NoiseError, ServerHandshake

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.network.stats import Stats

log = logging.getLogger(__name__)

HANG_UP_GRACE = 2.0
"""Seconds for the client to read a last stanza: whatsmeow drops what it reads from a dead socket."""
HANDSHAKE_SECONDS = 20.0


class Channel(Protocol):
    """What a connection needs of the transport below it."""

    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class Guest(Protocol):
    """Whoever was let in: a device being linked, or a linked one."""

    def received(self, stanza: Node) -> None: ...
    def lost(self) -> None: ...


class Connection:
    """Sans-I/O but for its channel: bytes in, stanzas to the guest, stanzas out."""

    def __init__(
        self,
        channel: Channel,
        handshake: ServerHandshake,
        admit: Callable[[Connection, bytes, bytes], Guest],
        stats: Stats,
    ) -> None:
        self._channel = channel
        self._handshake = handshake
        self._admit = admit
        self._stats = stats
        self._frames = FrameReader()
        self._encrypt: Callable[[bytes], bytes] | None = None
        self._guest: Guest | None = None
        self._read: Callable[[bytes], None] = self._client_hello
        self._closing = False
        self._deadline = asyncio.get_running_loop().call_later(HANDSHAKE_SECONDS, channel.abort)
        stats.connections += 1
        stats.connections_total += 1

    @property
    def closing(self) -> bool:
        """Whether it ended or is ending: nothing more is sent or read."""
        return self._closing

    def received(self, data: bytes) -> None:
        """Take bytes off the websocket; what is wrong with them ends this connection, and only this one."""
        try:
            for body in self._frames.feed(data):
                if self._closing:
                    return
                self._read(body)
        except HandshakeError as error:
            self._stats.handshakes_failed += 1
            self._end("handshake_failed", error)
        except (FrameError, NoiseError, BinaryXmlError, StanzaError) as error:
            self._stats.malformed += 1
            self._end("malformed_input", error)
        except (
            Exception
        ) as error:  # the border of one connection: a fault of ours must not take the others down
            log.exception("connection_failed")
            self._end("connection_failed", error)

    def lost(self) -> None:
        """Take notice that the websocket is gone."""
        self._closing = True
        self._deadline.cancel()
        self._stats.connections -= 1
        if self._guest is not None:
            self._guest.lost()

    def send(self, stanza: Node) -> None:
        """Encrypt and send one stanza."""
        self.send_encoded(binary_xml.encode(stanza))

    def send_encoded(self, stanza: bytes) -> None:
        """Encrypt and send a stanza that is encoded already."""
        if self._encrypt is not None and not self._closing:
            self._channel.send(frame(self._encrypt(binary_xml.pack(stanza))))

    def hang_up(self, last: Node | None = None, grace: float = HANG_UP_GRACE) -> None:
        """Send a last stanza, give the client time to read it and to close first, then close."""
        if last is not None:
            self.send(last)
        self._closing = True
        asyncio.get_running_loop().call_later(grace, self._channel.close)

    def abort(self) -> None:
        """Cut the connection as a broken network would."""
        self._closing = True
        self._channel.abort()

    def _client_hello(self, body: bytes) -> None:
        self._channel.send(frame(self._handshake.answer_hello(body)))
        self._read = self._client_finish

    def _client_finish(self, body: bytes) -> None:
        payload, noise_public, transport = self._handshake.finish(body)
        self._deadline.cancel()
        self._encrypt = transport.encrypt
        guest = self._guest = self._admit(self, payload, noise_public)

        def stanza(body: bytes) -> None:
            guest.received(binary_xml.decode(binary_xml.unpack(transport.decrypt(body))))

        self._read = stanza

    def _end(self, event: str, error: Exception) -> None:
        log.info(event, extra={"reason": type(error).__name__})
        self.abort()
