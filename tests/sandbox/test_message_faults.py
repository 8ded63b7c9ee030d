"""Faults of messages and media: what a caller of the real neonize sees of each."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING

import pytest

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, Control
from tests.sandbox.neonize_client import NeonizeError

if TYPE_CHECKING:
    from tests.sandbox.neonize_client import NeonizeClient

FILE = base64.b64encode(b"some words in a file").decode()


async def test_a_refused_send_raises_and_only_as_often_as_ordered(
    ada: NeonizeClient, control: Control
) -> None:
    await control.fault("send-error-463", count=2)

    for text in ("one", "two"):
        with pytest.raises(NeonizeError, match="server returned error 463"):
            await ada.send_text(BOB, text)

    await ada.send_text(BOB, "three")
    assert [message["text"] for message in await control.received(BOB)] == ["three"]


async def test_a_message_whose_acknowledgement_was_lost_is_repeated_and_read_once(
    ada: NeonizeClient, control: Control
) -> None:
    await control.fault("drop-ack")

    sending = asyncio.create_task(ada.send_text(BOB, "did you get this?"))
    await control.received(BOB)
    assert not sending.done()
    await control.fault("close")

    sent = await sending
    assert [(message["id"], message["text"]) for message in await control.received(BOB)] == [
        (sent, "did you get this?")
    ]
    stats = await control.get("/stats")
    assert (stats["messages_repeated"], stats["duplicate_counters"], stats["undecryptable"]) == (1, 0, 0)


async def test_a_message_whose_receipt_was_lost_comes_again_and_is_read_once(
    ada: NeonizeClient, control: Control
) -> None:
    await control.fault("drop-receipt")
    first = await control.send(BOB, ADA, "did you get this?")
    await arrivals.message(ada, first)
    await control.stats_when(lambda stats: stats["receipts_lost"] == 1)

    await control.fault("close")
    second = await control.send(BOB, ADA, "and this?")
    await arrivals.message(ada, second)
    await control.settled()

    read = [message["Info"]["ID"] for message in arrivals.messages(ada)]
    assert read == [first, second]


async def test_slow_acknowledgements_come_as_late_as_ordered(ada: NeonizeClient, control: Control) -> None:
    await ada.send_text(BOB, "hello")
    await control.fault("slow-ack", seconds=1.5)
    clock = asyncio.get_running_loop().time
    start = clock()

    await ada.send_text(BOB, "slow")
    slow = clock() - start
    await ada.send_text(BOB, "fast")

    assert slow >= 1.5
    assert clock() - start - slow < 1.5


async def test_a_failed_upload_raises(ada: NeonizeClient, control: Control) -> None:
    await control.fault("media-error")

    with pytest.raises(NeonizeError, match="upload failed with status code 500"):
        await ada.call("upload", {"base64": FILE}, "MediaDocument")

    assert (await ada.call("upload", {"base64": FILE}, "MediaDocument"))["url"]


async def test_a_failed_download_raises(ada: NeonizeClient, control: Control) -> None:
    file = {"data": FILE, "mime": "text/plain"}
    sent = await control.post(f"/phones/{BOB}/messages", to=ADA, document=file)
    message = await arrivals.message(ada, sent["id"])
    await control.fault("media-error")

    with pytest.raises(NeonizeError, match="download failed with status code 500"):
        await ada.call("download_any", message["Message"])

    assert await ada.call("download_any", message["Message"]) == {"base64": FILE}
