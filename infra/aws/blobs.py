"""Auth blobs in S3: one object per session, written with If-Match so that two writers cannot mix."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from infra.aws.errors import LostError, code_of, translated
from infra.contract import keys

if TYPE_CHECKING:
    from infra.aws.clients import Clients
    from infra.contract.ids import SessionId

_LOST = frozenset({"PreconditionFailed", "NoSuchKey", "ConditionalRequestConflict", "404", "412", "409"})
_MISSING = frozenset({"NoSuchKey", "404"})


class Blob(msgspec.Struct, frozen=True):
    """A blob as it was saved; `etag` is wanted for the next save."""

    content: bytes
    etag: str
    fence: int
    saved_at: datetime


class Blobs:
    """The auth blobs of all sessions."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._bucket = clients.settings.bucket_name

    def load(self, session_id: SessionId) -> Blob | None:
        """Give a session's blob, or None if it was never linked."""
        with translated():
            try:
                found = self._clients.s3.get_object(Bucket=self._bucket, Key=keys.auth_blob(session_id))
                content = found["Body"].read()
            except ClientError as error:
                if code_of(error) in _MISSING:
                    return None
                raise
        written = found["Metadata"]
        saved_at = datetime.fromisoformat(written["saved-at"])
        return Blob(content, found["ETag"], int(written["fence"]), saved_at)

    def save(
        self, session_id: SessionId, content: bytes, *, etag: str | None, fence: int, saved_at: datetime
    ) -> str:
        """Save over the blob that has this ETag (None: there must be none); gives the new ETag.

        Raises LostError if another wrote or deleted it in the meantime.
        """
        condition: Any = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        written = {"fence": str(fence), "saved-at": saved_at.isoformat()}
        with translated():
            try:
                saved = self._clients.s3.put_object(
                    Bucket=self._bucket,
                    Key=keys.auth_blob(session_id),
                    Body=content,
                    Metadata=written,
                    **condition,
                )
            except ClientError as error:
                if code_of(error) not in _LOST:
                    raise
            else:
                return saved["ETag"]
        stored = self.load(session_id)
        if stored is not None and (stored.content, stored.fence, stored.saved_at) == (
            content,
            fence,
            saved_at,
        ):
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
