"""The real neonize reaches the sandbox: proxy, TLS, websocket and the first bytes of its handshake."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import socket
from typing import TYPE_CHECKING

import pytest

from infra.sandbox.address import SandboxAddress
from infra.sandbox.certificates import server_identity
from infra.sandbox.transport.http import Request, Response
from infra.sandbox.transport.proxy import Proxy
from tests.sandbox.neonize_client import ChildDiedError, EventMissingError, NeonizeClient, NeonizeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Ear:
    """A server that hears, and never answers."""

    def __init__(self) -> None:
        self.accepting = True
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def received(self, data: bytes) -> None:
        self.heard.put_nowait(data)

    def lost(self) -> None:
        self.heard.put_nowait(b"")


async def no_media(request: Request) -> Response:
    return Response(404)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def proxy_url(ear: Ear, tmp_path: Path) -> AsyncIterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    proxy = Proxy(
        listening,
        ssl_context=server_identity(tmp_path, dt.datetime.now(dt.UTC)).ssl_context,
        on_open=lambda _channel: ear,
        media=no_media,
        accepting=lambda: ear.accepting,
    )
    await proxy.start()
    yield f"http://{host}:{port}"
    await proxy.stop()


@pytest.fixture
async def client(proxy_url: str, tmp_path: Path) -> AsyncIterator[NeonizeClient]:
    address = SandboxAddress(
        proxy=proxy_url,
        ca_file=str(tmp_path / "ca.pem"),
        issuer_public_key=secrets.token_bytes(32),
        control="",
    )
    async with NeonizeClient(address, tmp_path / "device.db") as client:
        yield client


async def test_neonize_begins_its_handshake_through_the_proxy(client: NeonizeClient, ear: Ear) -> None:
    await client.connect()

    first = await asyncio.wait_for(ear.heard.get(), timeout=10)

    assert first.startswith(b"WA\x06\x03\x00")


async def test_the_end_of_the_client_is_the_end_of_its_connection(client: NeonizeClient, ear: Ear) -> None:
    await client.connect()
    await asyncio.wait_for(ear.heard.get(), timeout=10)

    await client.kill()

    assert await asyncio.wait_for(ear.heard.get(), timeout=10) == b""


async def test_a_refused_connection_is_reported(client: NeonizeClient, ear: Ear) -> None:
    ear.accepting = False

    await client.connect()

    returned = await client.wait_for("ConnectReturned")
    assert "Service Unavailable" in returned["error"]


async def test_a_call_that_raises_in_neonize_raises_here(client: NeonizeClient) -> None:
    with pytest.raises(NeonizeError, match="JidError: not a JID"):
        await client.send_text("not@a@jid", "hello")


async def test_a_missing_event_is_told_with_those_that_came(client: NeonizeClient) -> None:
    with pytest.raises(
        EventMissingError, match=r'no such MessageEv within 0.01 s; these came:\n{"event": "Ready"'
    ):
        await client.wait_for("MessageEv", within=0.01)


async def test_the_death_of_the_process_ends_waiting(client: NeonizeClient) -> None:
    waiting = asyncio.create_task(client.wait_for("MessageEv"))
    calling = asyncio.create_task(client.call("generate_message_id"))

    await client.kill()

    with pytest.raises(ChildDiedError):
        await waiting
    await asyncio.gather(calling, return_exceptions=True)
    with pytest.raises(ChildDiedError):
        await client.call("is_connected")
