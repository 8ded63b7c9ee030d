"""Auth blobs in S3: one object per session, written with If-Match so that two writers cannot mix."""

from __future__ import annotations

from datetime import datetime

import msgspec

from infra.aws.clients import Clients
from infra.contract.ids import SessionId


class Blob(msgspec.Struct, frozen=True):
    """A blob as it was saved; `etag` is wanted for the next save."""

    content: bytes
    etag: str
    fence: int
    saved_at: datetime


class Blobs:
    """The auth blobs of all sessions."""

    def __init__(self, clients: Clients) -> None: ...

    def load(self, session_id: SessionId) -> Blob | None:
        """Give a session's blob, or None if it was never linked."""
        raise NotImplementedError

    def save(
        self, session_id: SessionId, content: bytes, *, etag: str | None, fence: int, saved_at: datetime
    ) -> str:
        """Save over the blob that has this ETag (None: there must be none); gives the new ETag.

        Raises LostError if another wrote or deleted it in the meantime.
        """
        raise NotImplementedError

    def delete(self, session_id: SessionId) -> None:
        """Delete a blob and all its former versions. Twice is once."""
        raise NotImplementedError
