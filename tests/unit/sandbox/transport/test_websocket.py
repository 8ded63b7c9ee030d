"""The websocket behind the proxy, spoken to by the websockets client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus

if TYPE_CHECKING:
    from tests.unit.sandbox.transport.conftest import Sandbox


async def test_a_message_comes_in_and_its_answer_goes_out(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        await client.send(b"WA\x06\x03")

        assert await client.recv() == b"WA\x06\x03"


async def test_a_fragmented_message_arrives_whole(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        await client.send([b"one", b"two", b"three"])

        assert await client.recv() == b"onetwothree"


async def test_the_largest_frame_of_whatsmeow_passes(sandbox: Sandbox) -> None:
    message = bytes(4 + 3 + (1 << 24) - 1)

    async with sandbox.websocket() as client:
        await client.send(message)

        assert await client.recv() == message


async def test_a_message_that_is_too_large_ends_only_its_connection(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as bystander, sandbox.websocket() as client:
        await client.send(bytes((1 << 24) + 8))
        with pytest.raises(ConnectionClosedError, match="1009"):
            await client.recv()
        await bystander.send(b"still here")

        assert await bystander.recv() == b"still here"


async def test_a_text_message_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        await client.send("text")

        with pytest.raises(ConnectionClosedError, match="1003"):
            await client.recv()


async def test_a_ping_is_answered(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        await (await client.ping())


async def test_a_close_by_the_server_is_a_clean_one(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        sandbox.opened[0].channel.close()

        with pytest.raises(ConnectionClosedOK):
            await client.recv()


async def test_an_abort_by_the_server_looks_like_a_failed_network(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        sandbox.opened[0].channel.abort()

        with pytest.raises(ConnectionClosedError, match="no close frame") as failure:
            await client.recv()
        assert isinstance(failure.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("ending", ["close", "abort", "client_close", "client_abort"])
async def test_the_end_is_told_once_whoever_ends_it(sandbox: Sandbox, ending: str) -> None:
    async with sandbox.websocket() as client:
        echo = sandbox.opened[0]

        match ending:
            case "close":
                echo.channel.close()
            case "abort":
                echo.channel.abort()
            case "client_close":
                await client.close()
            case _:
                client.transport.abort()
        await echo.ended.wait()

    await sandbox.proxy.stop()
    assert echo.times_lost == 1


async def test_sending_is_harmless_after_the_end(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        channel = sandbox.opened[0].channel
        channel.close()
        await client.wait_closed()
        await sandbox.opened[0].ended.wait()

        channel.send(b"too late")
        await channel.drain()
        channel.close()
        channel.abort()

    assert channel.closed


async def test_nothing_is_received_after_an_abort(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        echo = sandbox.opened[0]
        echo.channel.abort()
        await client.send(b"too late")
        await echo.ended.wait()

    assert echo.messages == []


async def test_draining_waits_for_a_client_that_does_not_read(sandbox: Sandbox) -> None:
    async with sandbox.websocket() as client:
        client.transport.pause_reading()
        channel = sandbox.opened[0].channel
        for _ in range(64):
            channel.send(bytes(1 << 20))

        draining = asyncio.create_task(channel.drain())
        await asyncio.wait([draining], timeout=0.05)
        was_waiting = not draining.done()
        client.transport.resume_reading()
        for _ in range(64):
            await client.recv()
        await draining

    assert was_waiting


async def test_a_receiver_that_raises_loses_only_its_connection(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(
        lambda _loop, context: reported.append(context["exception"])
    )

    async with sandbox.websocket() as bystander, sandbox.websocket() as client:
        await client.send(b"raise")
        await client.wait_closed()
        await bystander.send(b"still here")

        assert await bystander.recv() == b"still here"
    assert [type(error) for error in reported] == [RuntimeError]


@pytest.mark.parametrize(
    ("url", "status"),
    [("wss://web.whatsapp.com/other", 404), ("wss://web.whatsapp.com/ws/chat?ED=1", 101)],
)
async def test_only_the_path_of_the_chat_is_a_websocket(sandbox: Sandbox, url: str, status: int) -> None:
    try:
        async with sandbox.websocket(url):
            answered = 101
    except InvalidStatus as refusal:
        answered = refusal.response.status_code

    assert answered == status


@pytest.mark.parametrize(
    "header", ["Host: elsewhere.example", "Host: web.whatsapp.com\r\nOrigin: https://x.example"]
)
async def test_another_host_or_origin_is_refused(sandbox: Sandbox, header: str) -> None:
    reader, writer = await sandbox.tls("web.whatsapp.com")
    upgrade = (
        "GET /ws/chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {'A' * 22}==\r\n{header}\r\n\r\n"
    )

    writer.write(upgrade.encode())

    assert (await reader.read()).split()[1] in {b"421", b"403"}
    assert sandbox.opened == []
    writer.close()
    await writer.wait_closed()
