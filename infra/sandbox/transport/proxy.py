"""The CONNECT proxy: the one listening socket, where every connection of a client begins.

A connection's life: `CONNECT host:443`, a TLS handshake that the proxy itself answers whatever the host is,
then WhatsApp's websocket (`web.whatsapp.com`) or HTTPS for media (every other host).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from infra.sandbox.transport.http import HttpConnection, Request, Response, serve_http
from infra.sandbox.transport.websocket import WEBSOCKET_HOST, Channel, Receiver, serve_websocket

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_FAREWELL_SECONDS = 2.0


class Proxy:
    """Serves a listening socket from `start` to `stop`; refuses new websockets unless `accepting`."""

    def __init__(
        self,
        listening: socket.socket,
        *,
        ssl_context: ssl.SSLContext,
        on_open: Callable[[Channel], Receiver],
        media: Callable[[Request], Awaitable[Response]],
        accepting: Callable[[], bool] = lambda: True,
        handshake_seconds: float = 10.0,
    ) -> None:
        self._listening = listening
        self._accepting = accepting
        self._ssl_context = ssl_context
        self._on_open = on_open
        self._media = media
        self._handshake_seconds = handshake_seconds
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept connections from now on."""
        self._server = await asyncio.start_server(self._accepted, sock=self._listening)

    async def stop(self) -> None:
        """Listen no more, end every connection, and return when all have ended."""
        self._server.close()
        while self._connections:
            for connection in self._connections:
                connection.cancel()
            await asyncio.wait(self._connections)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
            if not writer.is_closing():
                await _farewell(writer)
        except OSError as error:  # time-outs and broken TLS are OSErrors too
            _log.debug("connection_broken %r", error)
        except Exception:  # noqa: BLE001 - the border of one connection: the others go on
            _log.exception("connection_failed")
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._handshake_seconds):
            host = await self._connect(HttpConnection(reader, writer))
            if host is None:
                return
            writer.write(_ESTABLISHED)
            await writer.start_tls(self._ssl_context)
        if host == WEBSOCKET_HOST:
            await serve_websocket(reader, writer, self._on_open, handshake_seconds=self._handshake_seconds)
        else:
            await serve_http(reader, writer, self._media)

    async def _connect(self, connection: HttpConnection) -> str | None:
        """Read the CONNECT and give its host, or None after the refusal."""
        request = await connection.request()
        if request is None:
            return None
        host, _, port = request.path.rpartition(":")
        if request.method != "CONNECT":
            await connection.respond(Response(405, {"allow": "CONNECT"}))
        elif port != "443":
            await connection.respond(Response(403))
        elif host == WEBSOCKET_HOST and not self._accepting():
            await connection.respond(Response(503))
        else:
            return host
        return None


async def _farewell(writer: asyncio.StreamWriter) -> None:
    writer.close()
    async with asyncio.timeout(_FAREWELL_SECONDS):
        await writer.wait_closed()
