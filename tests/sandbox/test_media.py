"""Files, both ways: what is opened is, byte for byte, what was sent."""

from __future__ import annotations

import base64
import hashlib
import secrets
import struct
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control
from tests.sandbox.neonize_client import NeonizeError

if TYPE_CHECKING:
    from tests.sandbox.neonize_client import NeonizeClient

KINDS = {
    "image": ("MediaImage", "image/png"),
    "video": ("MediaVideo", "video/mp4"),
    "audio": ("MediaAudio", "audio/ogg"),
    "document": ("MediaDocument", "application/pdf"),
}


def a_png(side: int = 64) -> bytes:
    """Give a picture of noise; three bytes a pixel that nothing can compress."""
    rows = b"".join(b"\0" + secrets.token_bytes(3 * side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def in_base64(data: bytes) -> str:
    """Write bytes as JSON has them."""
    return base64.b64encode(data).decode()


async def download(client: NeonizeClient, message: dict[str, Any]) -> bytes:
    """Give the file of a message that came."""
    return base64.b64decode((await client.call("download_any", message["Message"]))["base64"])


async def test_an_image_from_the_client_is_opened_on_the_phone(ada: NeonizeClient, control: Control) -> None:
    picture = a_png()

    sent = await ada.send_image(BOB, picture, "what a view")

    (seen,) = await control.received(BOB)
    assert (seen["id"], seen["kind"], seen["text"]) == (sent, "image", "what a view")
    assert seen["media"] == {
        "mime": "image/png",
        "length": len(picture),
        "sha256": hashlib.sha256(picture).hexdigest(),
        "problem": None,
    }
    (copy,) = await control.received(ADA)
    assert (copy["from_me"], copy["media"]["sha256"]) == (True, seen["media"]["sha256"])


async def test_an_image_of_megabytes_goes_both_ways(ada: NeonizeClient, control: Control) -> None:
    picture = a_png(side=1000)

    await ada.send_image(BOB, picture, "")
    file = {"data": in_base64(picture), "mime": "image/png"}
    sent = await control.post(f"/phones/{BOB}/messages", to=ADA, image=file)

    (seen,) = await control.received(BOB)
    assert seen["media"]["sha256"] == hashlib.sha256(picture).hexdigest()
    assert await download(ada, await arrivals.message(ada, sent["id"])) == picture


async def test_every_kind_of_file_from_a_phone_is_opened_by_the_client(
    ada: NeonizeClient, control: Control
) -> None:
    for kind, (_, mime) in KINDS.items():
        data = secrets.token_bytes(5000)
        file = {"data": in_base64(data), "mime": mime}

        sent = await control.post(f"/phones/{BOB}/messages", **{"to": ADA, kind: file})

        came = await arrivals.message(ada, sent["id"])
        assert came["Info"]["MediaType"] == kind
        assert came["Message"][f"{kind}Message"]["mimetype"] == mime
        assert await download(ada, came) == data


async def test_every_kind_of_file_from_the_client_is_opened_on_the_phone(
    ada: NeonizeClient, control: Control
) -> None:
    for kind, (media_type, mime) in KINDS.items():
        data = secrets.token_bytes(5000)
        up = await ada.call("upload", {"base64": in_base64(data)}, media_type=media_type)
        part = {
            "URL": up["url"],
            "directPath": up["DirectPath"],
            "mimetype": mime,
            "mediaKey": up["MediaKey"],
            "fileSHA256": up["FileSHA256"],
            "fileEncSHA256": up["FileEncSHA256"],
            "fileLength": up["FileLength"],
        }

        sent = (await ada.call("send_message", BOB, {f"{kind}Message": part}))["ID"]

        (seen,) = await control.received(BOB, where=arrivals.with_id(sent))
        assert (seen["kind"], seen["media"]["mime"]) == (kind, mime)
        assert seen["media"]["sha256"] == hashlib.sha256(data).hexdigest()


async def test_a_document_of_neonizes_own_making_is_opened_on_the_phone(
    ada: NeonizeClient, control: Control
) -> None:
    text = b"Dear Bob,\nall is well.\n"

    await ada.call("send_document", BOB, {"base64": in_base64(text)}, caption="a letter", filename="dear.txt")

    (seen,) = await control.received(BOB)
    assert (seen["kind"], seen["text"]) == ("document", "a letter")
    assert (seen["media"]["mime"], seen["media"]["length"]) == ("text/plain", len(text))
    assert seen["media"]["sha256"] == hashlib.sha256(text).hexdigest()


async def test_an_image_to_a_group_is_opened_by_each_member(ada: NeonizeClient, control: Control) -> None:
    group = (await control.post("/groups", owner=ADA, subject="Friends", members=[BOB, CYD]))["id"]
    picture = a_png()

    await ada.send_image(group, picture, "all of us")

    for number in (BOB, CYD):
        (seen,) = await control.received(number)
        assert (seen["chat"], seen["media"]["sha256"]) == (group, hashlib.sha256(picture).hexdigest())


async def test_a_file_that_the_hosts_do_not_have_cannot_be_downloaded(
    ada: NeonizeClient, control: Control
) -> None:
    file = {"data": in_base64(b"soon gone"), "mime": "application/pdf"}
    sent = await control.post(f"/phones/{BOB}/messages", to=ADA, document=file)
    document = (await arrivals.message(ada, sent["id"]))["Message"]["documentMessage"]
    document["directPath"] = f"/v/{'0' * 64}?ccb=1"

    with pytest.raises(NeonizeError, match="download failed with status code 404"):
        await ada.call("download_any", {"documentMessage": document})
