"""Auth blobs in S3: one object per session, written with If-Match so that two writers cannot mix."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from botocore.exceptions import ClientError

from infra.aws.errors import LostError, code_of, translated
from infra.contract import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.aws.clients import Clients
    from infra.contract.ids import SessionId

_LOST = frozenset({"PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict", "404", "412", "409"})
_MISSING = frozenset({"NoSuchKey", "404"})


_STAMP_HEAD = bytes.fromhex("502a4d18") + (16).to_bytes(4, "little")
_STAMP_BYTES = len(_STAMP_HEAD) + 16
"""Each save ends with random bytes: an ETag is a hash of the body, and two saves must never share one.

They are a frame that zstd skips, so that the object is still what its name says.
"""


class Blob(msgspec.Struct, frozen=True, kw_only=True):
    """A copy of a device's database, and what was so when it began."""

    content: bytes
    fence: int
    """Of the lease that the session was served under."""
    saved_at: datetime
    done_seq: int = 0
    """All up to this place had left the outbox: the copy knows of their sending."""
    final: bool = False
    """The device was stopped, and has not run since."""


class BadBlobError(ValueError):
    """What stands in a blob's place was not saved by Roost, or by another version of it."""


class SavedBlob(NamedTuple):
    """A blob as it is stored; its ETag is wanted for the next save."""

    blob: Blob
    etag: str


class Blobs:
    """The auth blobs of all sessions."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._bucket = clients.settings.bucket_name

    def load(self, session_id: SessionId) -> SavedBlob | None:
        """Give a session's blob, or None if it was never linked; raises BadBlobError."""
        with translated():
            try:
                found = self._clients.s3.get_object(Bucket=self._bucket, Key=keys.auth_blob(session_id))
                body = found["Body"].read()
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
        return SavedBlob(_read(body[:-_STAMP_BYTES], found["Metadata"]), found["ETag"])

    def save(self, session_id: SessionId, blob: Blob, *, etag: str | None) -> str:
        """Save over the blob that has this ETag (None: there must be none); gives the new ETag.

        Raises LostError if another wrote or deleted it in the meantime.
        """
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        with translated():
            try:
                saved = self._clients.s3.put_object(
                    Bucket=self._bucket,
                    Key=keys.auth_blob(session_id),
                    Body=blob.content + _STAMP_HEAD + secrets.token_bytes(16),
                    Metadata=_metadata(blob),
                    **condition,
                )
            except ClientError as error:
                if code_of(error) not in _LOST:
                    raise
            else:
                return saved["ETag"]
        stored = self.load(session_id)
        if stored is not None and stored.blob == blob:
            return stored.etag  # our own, whose answer was lost
        raise LostError(f"the auth blob of {session_id} was written by another connector")

    def delete(self, session_id: SessionId) -> None:
        """Delete a blob and all its former versions. Twice is once."""
        key = keys.auth_blob(session_id)
        with translated():
            pages = self._clients.s3.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self._bucket, Prefix=key):
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
                    self._clients.s3.delete_object(
                        Bucket=self._bucket, Key=key, VersionId=version["VersionId"]
                    )


def _metadata(blob: Blob) -> dict[str, str]:
    return {
        "fence": str(blob.fence),
        "saved-at": blob.saved_at.isoformat(),
        "done-seq": str(blob.done_seq),
        "final": "yes" if blob.final else "no",
    }


def _read(content: bytes, written: Mapping[str, str]) -> Blob:
    try:
        return Blob(
            content=content,
            fence=int(written["fence"]),
            saved_at=datetime.fromisoformat(written["saved-at"]),
            done_seq=int(written["done-seq"]),
            final=written["final"] == "yes",
        )
    except (KeyError, ValueError) as error:
        raise BadBlobError(f"its metadata cannot be read: {error}") from error
