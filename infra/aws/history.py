"""Listings of messages, newest first, in pages: a session's in both directions, or a chat's."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from infra.aws.message_items import INBOUND, OUTBOUND, VOID, read_message
from infra.aws.pages import BadCursorError, Page, read_cursor, write_cursor
from infra.aws.records import key_of
from infra.contract import keys
from infra.contract.keys import MESSAGES_BY_CHAT
from infra.contract.message import Message, Outbound

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.table import Table
    from infra.contract.ids import SessionId
    from infra.contract.jid import Jid


class History:
    """Reads pages of messages."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def of_session(self, session_id: SessionId, *, cursor: str | None, limit: int) -> Page[Message]:
        """Merge the two directions by time; the cursor is the last of each that was shown."""
        shown = _read_both(cursor) if cursor else [_after_all(OUTBOUND), _after_all(INBOUND)]
        items = [
            item
            for prefix, before in zip((OUTBOUND, INBOUND), shown, strict=True)
            for item in self._direction(session_id, prefix, before, limit + 1)
        ]
        items.sort(key=lambda item: _time_of(read_message(item)), reverse=True)
        page = items[:limit]
        if len(items) <= limit:
            return Page([read_message(item) for item in page], None)
        sorts = [item[keys.SORT] for item in page]
        last = [
            next((sort for sort in reversed(sorts) if sort.startswith(prefix)), before)
            for prefix, before in zip((OUTBOUND, INBOUND), shown, strict=True)
        ]
        return Page([read_message(item) for item in page], write_cursor(last))

    def of_chat(self, session_id: SessionId, chat: Jid, *, cursor: str | None, limit: int) -> Page[Message]:
        """Read a chat by its index, which lags by a moment."""
        index = MESSAGES_BY_CHAT
        (before,) = read_cursor(cursor, parts=1) if cursor else (_after_all(""),)
        found = self._table.query(
            f"#{index.partition} = :chat AND #{index.sort} < :before",
            {"chat": keys.chat_partition(session_id, chat), "before": before},
            index=index,
            newest_first=True,
            page_size=limit + 1,
        )
        entries = list(itertools.islice(found, limit + 1))
        wanted = [key_of(entry) for entry in entries[:limit]]
        return Page(
            [read_message(item) for item in self._table.get_many(wanted)],
            write_cursor([entries[limit - 1][index.sort]]) if len(entries) > limit else None,
        )

    def _direction(self, session_id: SessionId, prefix: str, before: str, limit: int) -> list[Item]:
        found = self._table.query(
            "#pk = :pk AND #sk BETWEEN :first AND :before",
            {"pk": keys.session(session_id).pk, "first": prefix, "before": before},
            filter_by=f"attribute_not_exists(#{VOID})",
            newest_first=True,
            page_size=limit + 1,
        )
        earlier = (item for item in found if item[keys.SORT] != before)
        return list(itertools.islice(earlier, limit))


def _read_both(cursor: str) -> list[str]:
    shown = read_cursor(cursor, parts=2)
    if not all(sort.startswith(prefix) for sort, prefix in zip(shown, (OUTBOUND, INBOUND), strict=True)):
        raise BadCursorError("this cursor is of another listing")
    return shown


def _after_all(prefix: str) -> str:
    return prefix + "~"


def _time_of(message: Message) -> datetime:
    return message.accepted_at if isinstance(message, Outbound) else message.received_at
