"""The server's side of one HTTP/1.1 connection: requests with their whole body in, responses out, in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import h11
import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BODY_LIMIT = 128 << 20  # bytes; WhatsApp's own limit for a video is 100 MB
_HEAD_LIMIT = 16 << 10
_CHUNK = 64 << 10
_IDLE_SECONDS = 90.0  # what Go's client keeps an unused connection for


class Request(msgspec.Struct, frozen=True):
    """One request: `path` is decoded and ends before the `?`; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Response(msgspec.Struct, frozen=True):
    """One response; its length is added to the headers."""

    status: int = 200
    headers: Mapping[str, str] = {}
    body: bytes = b""


class HttpConnection:
    """The requests of one connection. Answer each before asking for the next."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, body_limit: int = BODY_LIMIT
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._body_limit = body_limit
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT)
        self._without_body = False

    async def request(self) -> Request | None:
        """Give the next request, or None when there will be none; what is no HTTP has been answered then."""
        if self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        try:
            return None if self._h11.our_state is h11.MUST_CLOSE else await self._read()
        except h11.RemoteProtocolError as error:
            await self.respond(Response(error.error_status_hint))
            return None

    async def respond(self, response: Response) -> None:
        """Answer the last request; raises OSError when the client is gone."""
        headers = [*response.headers.items(), ("content-length", str(len(response.body)))]
        phrase = HTTPStatus(response.status).phrase
        events = [
            h11.Response(status_code=response.status, headers=headers, reason=phrase.encode()),
            h11.Data(data=b"" if self._without_body else response.body),
            h11.EndOfMessage(),
        ]
        self._writer.writelines([self._h11.send(event) or b"" for event in events])
        await self._writer.drain()

    async def _read(self) -> Request | None:
        body = bytearray()
        while True:
            match await self._event():
                case h11.Request() as head:
                    pass
                case h11.Data(data=data):
                    body += data
                    if len(body) > self._body_limit:
                        raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)
                case h11.EndOfMessage():
                    self._without_body = head.method == b"HEAD"
                    return _parsed(head, bytes(body))
                case _:
                    return None

    async def _event(self) -> object:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(await self._reader.read(_CHUNK))
        return event


async def serve_http(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handler: Callable[[Request], Awaitable[Response]],
) -> None:
    """Answer requests until the client ends the connection; raises TimeoutError when it idles or is slow."""
    connection = HttpConnection(reader, writer)
    while True:
        async with asyncio.timeout(_IDLE_SECONDS):
            request = await connection.request()
        if request is None:
            return
        await connection.respond(await handler(request))


def _parsed(head: h11.Request, body: bytes) -> Request:
    path, _, query = head.target.decode("ascii").partition("?")
    return Request(
        method=head.method.decode("ascii"),
        path=unquote(path),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={name.decode("ascii"): value.decode("latin-1") for name, value in head.headers},
        body=body,
    )
