"""The media hosts behind the proxy, spoken to by httpx and by hand."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from infra.sandbox.transport.http import HttpConnection

if TYPE_CHECKING:
    from tests.unit.sandbox.transport.conftest import Sandbox

HOST = "mmg.whatsapp.net"


def a_client(sandbox: Sandbox) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"https://{HOST}", proxy=f"http://127.0.0.1:{sandbox.port}", verify=sandbox.trust
    )


async def answers(reader: asyncio.StreamReader) -> list[bytes]:
    """Read until the server hangs up, and give the status of each response."""
    return re.findall(rb"HTTP/1.1 (\d+)", await reader.read())


async def test_path_and_query_arrive_decoded(sandbox: Sandbox) -> None:
    async with a_client(sandbox) as client:
        response = await client.get("/mms/image/a%3D%3D?auth=x%20y&token=")

    assert response.json() == {
        "method": "GET",
        "path": "/mms/image/a==",
        "query": {"auth": "x y", "token": ""},
    }


async def test_a_large_body_comes_back_unharmed(sandbox: Sandbox) -> None:
    body = bytes(range(256)) * (1 << 16)

    async with a_client(sandbox) as client:
        response = await client.post("/mms/video/x", content=body)

    assert response.content == body


async def test_a_connection_serves_several_requests(sandbox: Sandbox) -> None:
    reader, writer = await sandbox.tls(HOST)

    writer.write(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert await answers(reader) == [b"200", b"200"]
    writer.close()
    await writer.wait_closed()


async def test_a_head_request_gets_no_body(sandbox: Sandbox) -> None:
    async with a_client(sandbox) as client:
        response = await client.head("/a")

    assert response.status_code == 200
    assert response.content == b""


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x00\x01random\xff\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: nine\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
    ],
)
async def test_what_is_no_http_is_answered_and_ended(
    sandbox: Sandbox, request_bytes: bytes, status: bytes
) -> None:
    reader, writer = await sandbox.tls(HOST)

    writer.write(request_bytes)

    assert await answers(reader) == [status]
    writer.close()
    await writer.wait_closed()


async def test_a_body_beyond_the_limit_is_refused() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await HttpConnection(reader, writer, body_limit=10).request() is None
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n")

        assert await answers(reader) == [b"413"]
        writer.close()
        await writer.wait_closed()


async def test_a_handler_that_raises_loses_only_its_connection(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_client(sandbox) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/raise")
        response = await client.get("/a")

    assert response.status_code == 200
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == [
        "connection_failed"
    ]
