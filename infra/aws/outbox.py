"""A session's outbox, as the connector that holds the session works it off. Every write carries its fence."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from infra.aws.message_items import by_wa_id, read_outbound
from infra.aws.records import plain
from infra.aws.table import Table, assignment, one_of
from infra.contract import keys
from infra.contract.message import PENDING, Outbound, OutboundStatus, statuses_before

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.contract.ids import OutboundRef, SessionId

_LAST_PLACE = 10**keys.SEQ_DIGITS - 1


class Outbox:
    """Each verb gives the message as it is then, or None: it is gone, elsewhere, or a newer fence wrote.

    To repeat a write whose answer was lost gives the message, not None.
    """

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def pending(self, session_id: SessionId, *, after: int, limit: int = 100) -> list[Outbound]:
        """Give the first messages above a place that are queued or sending, in order; consistent."""
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
        return [read_outbound(item) for item in itertools.islice(found, limit)]

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
