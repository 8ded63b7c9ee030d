"""Sessions in the table: what customers want, what connectors report, and the places in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from infra.aws.blobs import Blobs
from infra.aws.erasure import delete_items
from infra.aws.listings import read_listing
from infra.aws.pages import Page
from infra.aws.placement import shard_for, start_on, stop
from infra.aws.records import Reader, listed, plain, to_item
from infra.aws.table import EXISTS, IS_NEW, Table, assignment, one_of
from infra.contract import keys
from infra.contract.ids import SessionId
from infra.contract.keys import LISTINGS, SESSIONS_BY_SHARD
from infra.contract.session import (
    ACCEPTS_SENDS,
    Desired,
    Report,
    Restriction,
    Session,
    SessionStatus,
    statuses_leading_to,
)

if TYPE_CHECKING:
    from infra.aws.attributes import Item, Value
    from infra.aws.clients import Clients

_RUNNING = frozenset(
    {
        SessionStatus.STARTING,
        SessionStatus.AWAITING_LINK,
        SessionStatus.CONNECTING,
        SessionStatus.CONNECTED,
    }
)
"""Where a start has nothing to add."""
_ENDS = frozenset({SessionStatus.STOPPED, SessionStatus.LOGGED_OUT, SessionStatus.FAILED})
_SESSION = Reader(Session)


class NoPlace(msgspec.Struct, frozen=True):
    """No place in the outbox was given; the session as it was says why, None that there is none."""

    session: Session | None


class SessionMissingError(LookupError):
    """There is no session of this id."""


class Sessions:
    """The sessions of one stack."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)
        self._blobs = Blobs(clients)
        self._shards = clients.settings.shards

    def create(self, session: Session) -> bool:
        """Store a new session, stopped as yet; False if one of this id exists already."""
        item = {
            **to_item(session, keys.session(session.id), without=["id"]),
            **listed(LISTINGS, keys.SESSION_LISTING, session.id),
        }
        written = self._table.put(item, condition=IS_NEW)
        return written.done or _found(written.item) == session  # ours, when the first answer was lost

    def find(self, session_id: SessionId, *, consistent: bool = False) -> Session | None:
        """Give a session, or None. Without `consistent` it may be a moment old, for half the price."""
        return _found(self._table.get(keys.session(session_id), consistent=consistent))

    def get(self, session_id: SessionId, *, consistent: bool = False) -> Session:
        """Give a session; raises SessionMissingError."""
        session = self.find(session_id, consistent=consistent)
        if session is None:
            raise SessionMissingError(session_id)
        return session

    def list(
        self, *, cursor: str | None = None, limit: int = 50, status: SessionStatus | None = None
    ) -> Page[Session]:
        """Give sessions by id; with a status a page may hold fewer than asked for, or none, before the last.

        Raises BadCursorError.
        """
        page = read_listing(self._table, keys.SESSION_LISTING, cursor=cursor, limit=limit)
        sessions = map(_read, page.items)
        return Page([session for session in sessions if status in (None, session.status)], page.cursor)

    def patch(
        self,
        session_id: SessionId,
        *,
        name: str | UnsetType | None = UNSET,
        metadata: dict[str, str] | UnsetType = UNSET,
    ) -> Session | None:
        """Change what the customer calls it; what is UNSET stays. None if there is no such session."""
        changed: dict[str, Value | None] = {}
        if name is not UNSET:
            changed["name"] = name
        if metadata is not UNSET:
            changed["metadata"] = metadata
        if not changed:
            return self.find(session_id, consistent=True)
        return self._change(session_id, changed, condition=EXISTS)

    def want(self, session_id: SessionId, desired: Desired) -> Session | None:
        """Start or stop it; None if there is no such session. The caller nudges the shard.

        A start places the session on a shard, sets `starting`, forgets attempts, pause and restriction; one
        that is starting, waiting to be linked, connecting or connected keeps its status. It stays on its
        shard while that exists: another connector may still hold it. A stop takes it out of `of_shard`.
        """
        match desired:
            case Desired.RUNNING:
                return self._start(session_id)
            case Desired.STOPPED:
                return self._stop(session_id)

    def delete(self, session_id: SessionId) -> None:
        """Delete a session with its messages, calls, idempotency records and auth blob, all versions of it.

        May be called again after it failed in between, and for a session that is not there.
        """
        self._stop(session_id)  # from here on it accepts no sends
        self._blobs.delete(session_id)
        delete_items(self._table, session_id)
        self._table.delete(keys.session(session_id))
        delete_items(self._table, session_id)  # sends that had taken their place before the stop

    def count_of_shard(self, shard: int) -> int:
        """Count the sessions on a shard that are to run, as the index has them: it lags by a moment."""
        return self._table.count(SESSIONS_BY_SHARD, keys.shard_partition(shard))

    def of_shard(self, shard: int) -> set[SessionId]:
        """Give the sessions of a shard that are wanted to run; may lag by a moment."""
        index = SESSIONS_BY_SHARD
        found = self._table.query(
            f"#{index.partition} = :shard", {"shard": keys.shard_partition(shard)}, index=index
        )
        return {SessionId(item[index.sort]) for item in found}

    def report(self, session_id: SessionId, report: Report, *, fence: int) -> Session | None:
        """Store what a connector tells; None if a newer fence wrote, it may not follow, or it is gone."""
        # a connector that lost the shard has an older fence
        before, values = one_of("status", statuses_leading_to(report.status))
        condition = f"#fence <= :fence AND {before}"
        if report.status not in _ENDS:
            condition += " AND #desired = :running"  # what it says late does not undo a stop
            values["running"] = Desired.RUNNING
        changes = {**plain(report), "fence": fence}
        return self._change(session_id, changes, condition=condition, values=values)

    def restrict(self, session_id: SessionId, restriction: Restriction, *, fence: int) -> Session | None:
        """Store that WhatsApp restricts the account; None if a newer fence wrote, or the session is gone."""
        changes: dict[str, Value | None] = {"restriction": plain(restriction)}
        return self._change(session_id, changes, condition="#fence <= :fence", values={"fence": fence})

    def take_place(self, session_id: SessionId, *, backlog_limit: int) -> Session | NoPlace:
        """Give the next place in the outbox, as `seq` of the session returned.

        It is given to sessions that accept sends and have a smaller backlog. A place may stay empty (the
        caller died, or asked twice): who reads the outbox waits for an empty place only as long as a request
        may last.
        """
        accepting, values = one_of("status", sorted(ACCEPTS_SENDS))
        written = self._table.update(
            keys.session(session_id),
            "SET #seq = #seq + :one, #backlog = #backlog + :one",
            condition=f"#linked = :yes AND #desired = :running AND {accepting} AND #backlog < :limit",
            values={**values, "one": 1, "yes": True, "running": Desired.RUNNING, "limit": backlog_limit},
        )
        session = _found(written.item)
        return session if written.done and session else NoPlace(session)

    def move_watermark(self, session_id: SessionId, *, since: int, up_to: int, fence: int) -> bool:
        """Say that every place up to `up_to` has left the outbox, so that the backlog shrinks.

        `since` is the watermark (`done_seq`) that was read or written last. False if it was another, or a
        newer fence wrote. To be called now and then, not per message: that is what makes it cheap.
        """
        written = self._table.update(
            keys.session(session_id),
            "SET #done_seq = :up_to, #backlog = #backlog - :count, #fence = :fence",
            # the old watermark: places are taken off the backlog once, also when the answer was lost
            condition="#done_seq = :since AND #fence <= :fence",
            values={"up_to": up_to, "since": since, "count": up_to - since, "fence": fence},
        )
        stored = _found(written.item)
        return written.done or (stored is not None and (stored.done_seq, stored.fence) == (up_to, fence))

    def _start(self, session_id: SessionId) -> Session | None:
        while (session := self.find(session_id, consistent=True)) is not None:
            if session.desired is Desired.RUNNING and session.status in _RUNNING:
                return self._change(session_id, {"restriction": None}, condition=EXISTS)
            if (started := self._place(session)) is not None:
                return started
        return None

    def _place(self, session: Session) -> Session | None:
        shard = shard_for(session, self._table, shards=self._shards)
        # as it was read: of two starts one places, and the other finds it placed
        unplaced = "attribute_not_exists(#shard)" if session.shard is None else "#shard = :old_shard"
        values: dict[str, Value] = {"old_status": session.status, "old_fence": session.fence}
        if session.shard is not None:
            values["old_shard"] = session.shard
        condition = f"#status = :old_status AND #fence = :old_fence AND {unplaced}"
        return self._change(session.id, start_on(shard, session), condition=condition, values=values)

    def _stop(self, session_id: SessionId) -> Session | None:
        return self._change(session_id, stop(), condition=EXISTS)

    def _change(
        self,
        session_id: SessionId,
        changes: dict[str, Value | None],
        *,
        condition: str,
        values: dict[str, Value] | None = None,
    ) -> Session | None:
        kept = {name: value for name, value in changes.items() if value is not None}
        written = self._table.update(
            keys.session(session_id),
            assignment(changes),
            condition=condition,
            values={**kept, **(values or {})},
        )
        return _found(written.item) if written.done else None


def _read(item: Item) -> Session:
    return _SESSION.read(item, id=item[keys.PARTITION].partition("#")[2])


def _found(item: Item | None) -> Session | None:
    return None if item is None else _read(item)
