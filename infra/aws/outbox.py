"""A session's outbox, as the connector that holds the session works it off. Every write carries its fence."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from infra.aws.message_items import VOID, by_wa_id, read_outbound, seq_of, write_attempt, write_void
from infra.aws.records import plain
from infra.aws.table import IS_NEW, Table, assignment, one_of
from infra.contract import keys
from infra.contract.ids import OutboundRef
from infra.contract.message import PENDING, Outbound, OutboundStatus, statuses_before

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.contract.ids import SessionId
    from infra.contract.jid import Jid

_LAST_PLACE = 10**keys.SEQ_DIGITS - 1


class Outbox:
    """Each verb gives the message as it is then, or None: it is gone, elsewhere, or a newer fence wrote.

    To repeat a write whose answer was lost gives the message, not None.
    """

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def pending(
        self,
        session_id: SessionId,
        *,
        after: int,
        limit: int = 100,
        only: Callable[[int], bool] = lambda _place: True,
    ) -> list[Outbound]:
        """Give the first messages above a place that are queued or sending, in order; consistent.

        Those in places that `only` refuses are passed over.
        """
        status, values = one_of("status", sorted(PENDING))
        found = self._table.query(
            "#pk = :pk AND #sk BETWEEN :first AND :last",
            {
                "pk": keys.session(session_id).pk,
                "first": keys.outbound_sort(after + 1),
                "last": keys.outbound_sort(_LAST_PLACE),
                **values,
            },
            filter_by=status,
            consistent=True,
        )
        wanted = (item for item in found if only(seq_of(item)))
        return [read_outbound(item) for item in itertools.islice(wanted, limit)]

    def find(self, session_id: SessionId, ref: OutboundRef) -> Outbound | None:
        """Give a message as it is now, or None."""
        item = self._table.get(keys.message(session_id, ref), consistent=True)
        return None if item is None or VOID in item else read_outbound(item)

    def close(self, session_id: SessionId, places: Collection[int], *, now: datetime) -> set[int]:
        """Let places where nothing was stored stay empty, and give those that need no look any more.

        A request that still wants to store its message in one is refused, and takes the next place. Places
        that are not given hold a message that is queued or sending.
        """
        found = self._table.query(
            "#pk = :pk AND #sk BETWEEN :first AND :last",
            {
                "pk": keys.session(session_id).pk,
                "first": keys.outbound_sort(min(places)),
                "last": keys.outbound_sort(max(places)),
            },
            only=(keys.SORT, "status"),
            consistent=True,
        )
        status = {seq_of(item): item.get("status") for item in found}
        for place in set(places) - status.keys():
            void = write_void(session_id, OutboundRef(place), now=now)
            there = self._table.put(void, condition=IS_NEW).item or void
            status[place] = there.get("status")
        return {place for place in places if status[place] not in PENDING}

    def written_to(self, session_id: SessionId, *, since: int, and_before: int) -> set[Jid]:
        """Give the chats of all messages above a place that it was tried to send, and of some before it.

        Those before are the last ones: as many as `and_before` says. Consistent.
        """
        found = self._table.query(
            "#pk = :pk AND #sk BETWEEN :first AND :last",
            {
                "pk": keys.session(session_id).pk,
                "first": keys.outbound_sort(1),
                "last": keys.outbound_sort(_LAST_PLACE),
                "none": 0,
            },
            filter_by="#attempts > :none",
            consistent=True,
            newest_first=True,
            page_size=and_before,
        )
        chats: set[Jid] = set()
        before = 0
        for message in map(read_outbound, found):
            before += message.ref.seq <= since
            if before > and_before:
                break
            chats.add(message.to)
        return chats

    def mark_sending(self, message: Outbound, *, fence: int) -> Outbound | None:
        """Claim a queued or sending message for one more attempt than `message` has had."""
        attempt = message.attempts + 1
        changes = {"status": OutboundStatus.SENDING, "attempts": attempt, "fence": fence}
        status, values = one_of("status", sorted(PENDING))
        return self._write(
            message.session_id,
            message.ref,
            changes,
            # two that read the same message cannot both make the same attempt
            condition=f"#attempts < :attempts AND #fence <= :fence AND {status}",
            values=values,
        )

    def give_back(self, message: Outbound, *, fence: int) -> Outbound | None:
        """Make a claimed message queued again that was certainly not sent: as if it had not been claimed."""
        changes = {"status": OutboundStatus.QUEUED, "attempts": message.attempts - 1, "fence": fence}
        return self._write(
            message.session_id,
            message.ref,
            changes,
            condition="#status = :sending AND #attempts = :claimed AND #fence <= :fence",
            values={"sending": OutboundStatus.SENDING, "claimed": message.attempts},
        )

    def remember(self, message: Outbound, wa_ids: Collection[str]) -> None:
        """Let receipts for these attempts find a message, whatever id it has in the end."""
        for wa_id in wa_ids:
            self._table.put(write_attempt(message, wa_id))

    def mark_sent(
        self, session_id: SessionId, ref: OutboundRef, *, wa_id: str, at: datetime, fence: int
    ) -> Outbound | None:
        """Store WhatsApp's id and time; from now on receipts find the message."""
        found_by = by_wa_id(session_id, ref, wa_id)
        changes = {"status": OutboundStatus.SENT, "wa_id": wa_id, "sent_at": plain(at), **found_by}
        return self._settle(session_id, ref, changes, fence=fence)

    def mark_failed(
        self, session_id: SessionId, ref: OutboundRef, *, error: str, fence: int
    ) -> Outbound | None:
        """Store that it was not and will not be sent, with a stable code of why."""
        changes = {"status": OutboundStatus.FAILED, "error": error}
        return self._settle(session_id, ref, changes, fence=fence)

    def mark_expired(self, session_id: SessionId, ref: OutboundRef, *, fence: int) -> Outbound | None:
        """Store that its time was over before it could be sent."""
        return self._settle(session_id, ref, {"status": OutboundStatus.EXPIRED}, fence=fence)

    def mark_unknown(
        self, session_id: SessionId, ref: OutboundRef, *, wa_id: str | None, fence: int
    ) -> Outbound | None:
        """Store that nobody can tell whether it was sent, and that it will not be sent again.

        By the id that it would have at WhatsApp, where that is known, a late receipt still finds it.
        """
        found_by = {} if wa_id is None else {"wa_id": wa_id, **by_wa_id(session_id, ref, wa_id)}
        return self._settle(session_id, ref, {"status": OutboundStatus.UNKNOWN, **found_by}, fence=fence)

    def _settle(
        self, session_id: SessionId, ref: OutboundRef, changes: Item, *, fence: int
    ) -> Outbound | None:
        before, values = one_of("status", statuses_before(changes["status"]))
        return self._write(
            session_id,
            ref,
            {**changes, "fence": fence},
            # statuses only go forward; a connector that lost the session has an older fence
            condition=f"#fence <= :fence AND {before}",
            values=values,
        )

    def _write(
        self, session_id: SessionId, ref: OutboundRef, changes: Item, *, condition: str, values: Item
    ) -> Outbound | None:
        written = self._table.update(
            keys.message(session_id, ref),
            assignment(changes),
            condition=condition,
            values={**values, **changes},
        )
        if written.item is None:
            return None
        is_so = all(written.item.get(name) == value for name, value in changes.items())
        return read_outbound(written.item) if is_so else None
