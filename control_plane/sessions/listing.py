"""Which sessions a key sees when it lists them: all, or those that it is restricted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws.pages import Page, read_cursor, write_cursor

if TYPE_CHECKING:
    from collections.abc import Collection

    from infra.aws.sessions import Sessions
    from infra.contract.api_keys import ApiKey
    from infra.contract.ids import SessionId
    from infra.contract.session import Session, SessionStatus


def visible_sessions(
    sessions: Sessions,
    caller: ApiKey,
    *,
    cursor: str | None,
    limit: int,
    status: SessionStatus | None,
) -> Page[Session]:
    """Give a page of the sessions that the caller may see, by id; raises BadCursorError."""
    if caller.sessions is None:
        return sessions.list(cursor=cursor, limit=limit, status=status)
    return _of_these(sessions, caller.sessions, cursor=cursor, limit=limit, status=status)


def _of_these(
    sessions: Sessions,
    ids: Collection[SessionId],
    *,
    cursor: str | None,
    limit: int,
    status: SessionStatus | None,
) -> Page[Session]:
    """Read them one by one: a key is restricted to few."""
    after = "" if cursor is None else read_cursor(cursor, 1)[0]
    left = sorted(session_id for session_id in ids if session_id > after)
    page = left[:limit]
    found = (sessions.find(session_id) for session_id in page)
    items = [session for session in found if session is not None and status in (None, session.status)]
    return Page(items, write_cursor([page[-1]]) if len(left) > limit else None)
