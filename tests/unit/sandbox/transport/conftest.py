"""A running proxy with an echoing websocket and an echoing media host, and the clients that reach it."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import msgspec
import pytest
import uvloop
from websockets.asyncio.client import connect

from infra.sandbox.certificates import server_identity
from infra.sandbox.transport.http import Request, Response
from infra.sandbox.transport.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from websockets.asyncio.client import ClientConnection

    from infra.sandbox.certificates import ServerIdentity
    from infra.sandbox.transport.websocket import Channel

    Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every test on both event loops: the server prefers uvloop and must do without."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Echo:
    """A receiver that sends back what comes in, and remembers it."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.messages: list[bytes] = []
        self.times_lost = 0
        self.ended = asyncio.Event()

    def received(self, data: bytes) -> None:
        self.messages.append(data)
        if data == b"raise":
            raise RuntimeError("a receiver's mistake")
        self.channel.send(data)

    def lost(self) -> None:
        self.times_lost += 1
        self.ended.set()


class Sandbox:
    """The proxy under test, and clients of it."""

    def __init__(self, identity: ServerIdentity, *, handshake_seconds: float = 10.0) -> None:
        self.opened: list[Echo] = []
        self.trust = ssl.create_default_context(cafile=str(identity.ca_file))
        self.accepting = True
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.proxy = Proxy(
            listening,
            ssl_context=identity.ssl_context,
            on_open=self._open,
            media=_media,
            accepting=lambda: self.accepting,
            handshake_seconds=handshake_seconds,
        )

    def websocket(
        self, url: str = "wss://web.whatsapp.com/ws/chat"
    ) -> AbstractAsyncContextManager[ClientConnection]:
        """Open a websocket through the proxy."""
        return connect(
            url,
            origin="https://web.whatsapp.com",  # type: ignore[arg-type]
            proxy=f"http://127.0.0.1:{self.port}",
            ssl=self.trust,
            compression=None,
            max_size=None,
        )

    async def tcp(self) -> Stream:
        """Connect to the proxy and say nothing yet."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def tunnel(self, host: str) -> Stream:
        """Connect, CONNECT and wait for the answer; TLS is still to come."""
        reader, writer = await self.tcp()
        writer.write(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        return reader, writer

    async def tls(self, host: str) -> Stream:
        """Do all that comes before HTTP."""
        reader, writer = await self.tunnel(host)
        await writer.start_tls(self.trust, server_hostname=host)
        return reader, writer

    def _open(self, channel: Channel) -> Echo:
        self.opened.append(Echo(channel))
        return self.opened[-1]


async def _media(request: Request) -> Response:
    if request.path == "/raise":
        raise RuntimeError("a media host's mistake")
    shown = msgspec.json.encode({"method": request.method, "path": request.path, "query": request.query})
    return Response(headers={"content-type": "application/json"}, body=request.body or shown)


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> ServerIdentity:
    return server_identity(tmp_path_factory.mktemp("identity"), dt.datetime.now(dt.UTC))


@pytest.fixture
def run_sandbox(identity: ServerIdentity) -> Callable[..., AbstractAsyncContextManager[Sandbox]]:
    """Start a proxy with settings of a test's own; whatever the loop complains about fails the test."""

    @asynccontextmanager
    async def run(**settings: float) -> AsyncIterator[Sandbox]:
        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        sandbox = Sandbox(identity, **settings)
        await sandbox.proxy.start()
        yield sandbox
        await sandbox.proxy.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert complaints == []

    return run


@pytest.fixture
async def sandbox(
    run_sandbox: Callable[..., AbstractAsyncContextManager[Sandbox]],
) -> AsyncIterator[Sandbox]:
    async with run_sandbox() as sandbox:
        yield sandbox
