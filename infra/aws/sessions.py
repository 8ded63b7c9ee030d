"""Sessions in the table: what customers want, what connectors report, and the places in the outbox."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import UNSET, UnsetType

from infra.aws.clients import Clients
from infra.aws.pages import Page
from infra.contract.ids import SessionId
from infra.contract.session import Desired, Report, Session, SessionStatus


class NoPlace(msgspec.Struct, frozen=True):
    """No place in the outbox was given; the session as it was says why, None that there is none."""

    session: Session | None


class SessionMissingError(LookupError):
    """There is no session of this id."""


class Sessions:
    """The sessions of one stack."""

    def __init__(self, clients: Clients) -> None: ...

    def create(self, session: Session) -> bool:
        """Store a new session; False if one of this id exists already."""
        raise NotImplementedError

    def find(self, session_id: SessionId, *, consistent: bool = False) -> Session | None:
        """Give a session, or None. Without `consistent` it may be as it was a moment ago, for half the price."""
        raise NotImplementedError

    def get(self, session_id: SessionId, *, consistent: bool = False) -> Session:
        """Give a session; raises SessionMissingError."""
        raise NotImplementedError

    def list(
        self, *, cursor: str | None = None, limit: int = 50, status: SessionStatus | None = None
    ) -> Page[Session]:
        """Give sessions by id; with a status a page may hold fewer than asked for, or none, before the last.

        Raises BadCursorError.
        """
        raise NotImplementedError

    def patch(
        self,
        session_id: SessionId,
        *,
        name: str | UnsetType | None = UNSET,
        metadata: dict[str, str] | UnsetType = UNSET,
    ) -> Session | None:
        """Change what the customer calls it; what is UNSET stays. None if there is no such session."""
        raise NotImplementedError

    def want(self, session_id: SessionId, desired: Desired) -> Session | None:
        """Start or stop it; None if there is no such session.

        A start places the session on a shard, sets `starting` and the attempts to 0, and leaves a session
        that already runs (status neither stopped, created, failed nor logged out) as it is but for the
        attempts. It stays on its shard for as long as that exists: another connector may still hold it.
        A stop sets `stopped`, and takes the session out of `of_shard`. The caller nudges the shard.
        """
        raise NotImplementedError

    def delete(self, session_id: SessionId) -> None:
        """Delete a session with its messages, calls, idempotency records and auth blob, all versions of it.

        May be called again after it failed in between, and for a session that is not there.
        """
        raise NotImplementedError

    def of_shard(self, shard: int) -> set[SessionId]:
        """Give the sessions of a shard that are wanted to run; may lag by a moment."""
        raise NotImplementedError

    def report(self, session_id: SessionId, report: Report, *, fence: int) -> Session | None:
        """Store what a connector tells; None if a newer fence wrote, the status may not follow, or it is gone."""
        raise NotImplementedError

    def take_place(self, session_id: SessionId, *, backlog_limit: int) -> Session | NoPlace:
        """Give the next place in the outbox, as `seq` of the session returned.

        It is given to sessions that accept sends and have a smaller backlog. A place may stay empty (the
        caller died, or asked twice): who reads the outbox waits for an empty place only as long as a request
        may last.
        """
        raise NotImplementedError

    def move_watermark(self, session_id: SessionId, *, since: int, up_to: int, fence: int) -> bool:
        """Say that every place up to `up_to` has left the outbox, so that the backlog shrinks.

        `since` is the watermark (`done_seq`) that was read or written last. False if it was another, or a
        newer fence wrote. To be called now and then, not per message: that is what makes it cheap.
        """
        raise NotImplementedError
