"""The media hosts, asked as whatsmeow asks them."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from infra.sandbox.media_store import MediaStore, NotStoredError, TooLargeError, WrongHashError
from infra.sandbox.transport.http import Request

if TYPE_CHECKING:
    from pathlib import Path

BODY = b"ciphertext and its mac"
HASH = sha256(BODY).digest()


@pytest.fixture
def store(tmp_path: Path) -> MediaStore:
    return MediaStore(tmp_path / "media", file_limit=100)


def a_request(method: str, path: str, body: bytes = b"") -> Request:
    return Request(method=method, path=path, query={}, headers={}, body=body)


def by_hash(method: str, file_enc_sha256: bytes = HASH, body: bytes = b"") -> Request:
    return a_request(method, f"/mms/image/{urlsafe_b64encode(file_enc_sha256).decode()}", body)


async def test_an_upload_is_answered_with_the_paths_of_its_download(store: MediaStore) -> None:
    response = await store(by_hash("POST", body=BODY))

    answer = json.loads(response.body)
    path = answer["direct_path"]
    download = await store(a_request("GET", path.partition("?")[0]))
    assert (response.status, download.status, download.body) == (200, 200, BODY)
    assert answer["url"] == f"https://mmg.whatsapp.net{path}"


async def test_a_direct_path_can_be_continued_with_an_ampersand(store: MediaStore) -> None:
    assert "?" in await store.upload(HASH, BODY)


async def test_a_phone_reads_what_it_put(store: MediaStore) -> None:
    direct_path = await store.upload(HASH, BODY)

    assert await store.download(direct_path) == BODY


async def test_files_outlive_the_store(store: MediaStore, tmp_path: Path) -> None:
    direct_path = await store.upload(HASH, BODY)

    assert await MediaStore(tmp_path / "media").download(direct_path) == BODY


async def test_what_a_crash_left_unfinished_is_swept_away(tmp_path: Path) -> None:
    left = tmp_path / f"{HASH.hex()}.0badcafe.part"
    left.write_bytes(b"half")

    MediaStore(tmp_path)

    assert not left.exists()


async def test_an_upload_under_a_wrong_hash_is_refused(store: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(WrongHashError):
        await store.upload(bytes(32), BODY)

    assert (await store(by_hash("POST", bytes(32), BODY))).status == 400
    assert list((tmp_path / "media").iterdir()) == []


@pytest.mark.parametrize("token", ["abc", "a", "=", "AAAA"])
async def test_an_upload_under_no_hash_at_all_is_refused(store: MediaStore, token: str) -> None:
    response = await store(a_request("POST", f"/mms/image/{token}", BODY))

    assert response.status == 400


async def test_a_file_over_the_limit_is_refused(store: MediaStore) -> None:
    body = bytes(101)

    with pytest.raises(TooLargeError):
        await store.upload(sha256(body).digest(), body)
    assert (await store(by_hash("POST", sha256(body).digest(), body))).status == 413


async def test_an_unknown_file_is_not_found(store: MediaStore) -> None:
    with pytest.raises(NotStoredError):
        await store.download(f"/v/{HASH.hex()}?ccb=1")


@pytest.mark.parametrize(
    "path", ["/v/../secret", "/v//etc/passwd", "/", f"/v/{HASH.hex()}.part", "/mms/image/"]
)
async def test_a_path_that_leads_elsewhere_is_not_found(store: MediaStore, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")

    response = await store(a_request("GET", path))

    assert (response.status, response.body) == (404, b"")


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(store: MediaStore) -> None:
    direct_path = await store.upload(HASH, BODY)

    answers = [await store(by_hash("DELETE")), await store(by_hash("DELETE"))]

    assert [answer.status for answer in answers] == [200, 200]
    with pytest.raises(NotStoredError):
        await store.download(direct_path)


async def test_other_methods_are_refused(store: MediaStore) -> None:
    assert (await store(by_hash("PUT", body=BODY))).status == 405
    assert (await store(a_request("POST", "/elsewhere"))).status == 404
