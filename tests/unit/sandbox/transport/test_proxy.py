"""The proxy's own stages, and what becomes of those who do not keep to them."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.unit.sandbox.transport.conftest import Sandbox, Stream

    RunSandbox = Callable[..., AbstractAsyncContextManager[Sandbox]]

CONNECT = b"CONNECT web.whatsapp.com:443 HTTP/1.1\r\nHost: web.whatsapp.com:443\r\n\r\n"


async def hang_up(stream: Stream) -> None:
    _, writer = stream
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def read_to_the_end(stream: Stream) -> bytes:
    reader, _ = stream
    try:
        return await reader.read()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00random\r\n\r\n", b"400"),
        (b"GET http://example.com/ HTTP/1.1\r\nHost: example.com\r\n\r\n", b"405"),
        (b"CONNECT web.whatsapp.com:80 HTTP/1.1\r\nHost: web.whatsapp.com:80\r\n\r\n", b"403"),
        (b"CONNECT web.whatsapp.com HTTP/1.1\r\nHost: web.whatsapp.com\r\n\r\n", b"403"),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: " + b"x" * 20_000, b"431"),
    ],
)
async def test_a_malformed_connect_is_refused(sandbox: Sandbox, request_bytes: bytes, status: bytes) -> None:
    stream = await sandbox.tcp()

    stream[1].write(request_bytes)

    assert (await read_to_the_end(stream)).split()[1] == status
    await hang_up(stream)


async def test_offline_refuses_websockets_but_no_media(sandbox: Sandbox) -> None:
    sandbox.accepting = False

    stream = await sandbox.tcp()
    stream[1].write(CONNECT)

    assert (await read_to_the_end(stream)).split()[1] == b"503"
    await hang_up(stream)
    await hang_up(await sandbox.tls("mmg.whatsapp.net"))


async def test_every_host_is_shown_the_same_certificate(sandbox: Sandbox) -> None:
    _, writer = stream = await sandbox.tls("media-fra5-1.whatsapp.net")

    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() is None
    with pytest.raises(ssl.SSLCertVerificationError):
        await sandbox.tls("example.com")
    await hang_up(stream)


@pytest.mark.parametrize("stage", ["tcp", "connect", "tls", "upgrade"])
async def test_a_silent_client_is_given_up(run_sandbox: RunSandbox, stage: str) -> None:
    async with run_sandbox(handshake_seconds=0.3) as sandbox:
        match stage:
            case "tcp":
                stream = await sandbox.tcp()
            case "connect":
                stream = await sandbox.tcp()
                stream[1].write(CONNECT[:20])
            case "tls":
                stream = await sandbox.tunnel("web.whatsapp.com")
                stream[1].write(b"\x16\x03\x01")
            case _:
                stream = await sandbox.tls("web.whatsapp.com")
                stream[1].write(b"GET /ws/chat HTTP/1.1\r\n")

        assert await read_to_the_end(stream) == b""
        await hang_up(stream)


@pytest.mark.parametrize("host", ["web.whatsapp.com", "mmg.whatsapp.net"])
@pytest.mark.parametrize("stage", ["tls", "http"])
async def test_random_bytes_end_only_their_connection(sandbox: Sandbox, stage: str, host: str) -> None:
    async with sandbox.websocket() as bystander:
        stream = await (sandbox.tunnel(host) if stage == "tls" else sandbox.tls(host))
        stream[1].write(bytes(range(255, 0, -1)) + b"\r\n\r\n")
        await read_to_the_end(stream)
        await hang_up(stream)
        await bystander.send(b"still here")

        assert await bystander.recv() == b"still here"


async def test_random_bytes_after_the_upgrade_end_the_websocket(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        client.transport.write(b"\xff\xff\xff\xff")
        await client.wait_closed()
        await sandbox.opened[0].ended.wait()

    assert sandbox.opened[0].messages == []


@pytest.mark.parametrize("stage", ["tcp", "tunnel", "tls"])
async def test_a_client_may_vanish_at_any_stage(sandbox: Sandbox, stage: str) -> None:
    match stage:
        case "tcp":
            _, writer = await sandbox.tcp()
        case "tunnel":
            _, writer = await sandbox.tunnel("web.whatsapp.com")
        case _:
            _, writer = await sandbox.tls("web.whatsapp.com")

    writer.transport.abort()

    async with sandbox.websocket() as client:
        await client.send(b"x")
        assert await client.recv() == b"x"


async def test_stopping_ends_every_connection(sandbox: Sandbox) -> None:
    streams = [
        await sandbox.tcp(),
        await sandbox.tunnel("web.whatsapp.com"),
        await sandbox.tls("web.whatsapp.com"),
        await sandbox.tls("mmg.whatsapp.net"),
    ]
    async with sandbox.websocket():
        await asyncio.wait_for(sandbox.proxy.stop(), timeout=1)

        assert sandbox.opened[0].times_lost == 1
    for stream in streams:
        assert await read_to_the_end(stream) == b""
        await hang_up(stream)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", sandbox.port)
