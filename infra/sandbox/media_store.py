"""WhatsApp's media hosts: encrypted files, kept in one folder under the hash of their content.

The hosts can read nothing; `media_crypto` is what clients and phones do before and after.
Source: whatsmeow, `upload.go` and `download.go`. The errors:

    MediaStoreError
    ├── WrongHashError
    ├── TooLargeError
    └── NotStoredError
"""

from __future__ import annotations

import asyncio
import binascii
import re
import secrets
from base64 import urlsafe_b64decode
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from infra.sandbox.transport.http import Response

if TYPE_CHECKING:
    from pathlib import Path

    from infra.sandbox.transport.http import Request

HOST = "mmg.whatsapp.net"
FILE_LIMIT = 100 << 20  # bytes; what WhatsApp takes for a video

_BY_HASH = re.compile(r"/mms/[a-z-]+/(?P<token>[\w=-]+)", re.ASCII)
_STORED = re.compile(r"/v/(?P<name>[0-9a-f]{64})")
# The client appends `&hash=…` to a direct path, so it must hold a `?` (whatsmeow, download.go).
_QUERY = "?ccb=1"
_UNFINISHED = ".part"


class MediaStoreError(Exception):
    """The media hosts refuse a request."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR


class WrongHashError(MediaStoreError):
    """The uploaded file has another SHA-256 than its path says."""

    status = HTTPStatus.BAD_REQUEST


class TooLargeError(MediaStoreError):
    """The uploaded file is larger than the hosts take."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NotStoredError(MediaStoreError):
    """There is no such file, or no longer."""

    status = HTTPStatus.NOT_FOUND


class MediaStore:
    """The files of all hosts, in one folder. An upload is whole or not there at all."""

    def __init__(self, folder: Path, *, file_limit: int = FILE_LIMIT) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob(f"*{_UNFINISHED}"):
            unfinished.unlink()
        self._folder = folder
        self._file_limit = file_limit

    async def __call__(self, request: Request) -> Response:
        """Answer a client's upload, download or deletion."""
        try:
            return await self._answer(request)
        except MediaStoreError as error:
            return Response(error.status)

    async def upload(self, file_enc_sha256: bytes, body: bytes) -> str:
        """Keep an encrypted file that must have this hash; give its direct path.

        Raises WrongHashError or TooLargeError.
        """
        if len(body) > self._file_limit:
            raise TooLargeError(f"{len(body)} bytes are more than {self._file_limit}")
        return await asyncio.to_thread(self._keep, body, file_enc_sha256.hex())

    async def download(self, direct_path: str) -> bytes:
        """Give the file at a direct path, with or without its query; raises NotStoredError."""
        match = _STORED.fullmatch(direct_path.partition("?")[0])
        if match is None:
            raise NotStoredError("this is no path of a file")
        try:
            return await asyncio.to_thread((self._folder / match["name"]).read_bytes)
        except FileNotFoundError as error:
            raise NotStoredError("there is no such file") from error

    def delete(self, file_enc_sha256: bytes) -> None:
        """Forget the file with this hash, if it is here; a client asks for it after a history sync."""
        (self._folder / file_enc_sha256.hex()).unlink(missing_ok=True)

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return Response(body=await self.download(request.path))
        match = _BY_HASH.fullmatch(request.path)
        if match is None:
            return Response(HTTPStatus.NOT_FOUND)
        file_enc_sha256 = _hash_in(match["token"])
        if request.method == "POST":
            return _uploaded(await self.upload(file_enc_sha256, request.body))
        if request.method == "DELETE":
            self.delete(file_enc_sha256)
            return Response()
        return Response(HTTPStatus.METHOD_NOT_ALLOWED)

    def _keep(self, body: bytes, name: str) -> str:
        if sha256(body).hexdigest() != name:
            raise WrongHashError("the file is not the one that was announced")
        unfinished = self._folder / f"{name}.{secrets.token_hex(4)}{_UNFINISHED}"
        try:
            unfinished.write_bytes(body)
            unfinished.replace(self._folder / name)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return f"/v/{name}{_QUERY}"


def _hash_in(token: str) -> bytes:
    try:
        found = urlsafe_b64decode(token)
    except binascii.Error as error:
        raise WrongHashError("the path holds no hash") from error
    if len(found) != sha256().digest_size:
        raise WrongHashError("the path holds no SHA-256")
    return found


def _uploaded(direct_path: str) -> Response:
    answer = {"url": f"https://{HOST}{direct_path}", "direct_path": direct_path}
    return Response(headers={"content-type": "application/json"}, body=msgspec.json.encode(answer))
