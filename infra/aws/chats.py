"""What has passed in a chat while messages are kept; read from the index of chats, which lags by a moment."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from infra.aws.message_items import INBOUND
from infra.aws.records import key_of
from infra.aws.table import Table
from infra.contract import keys
from infra.contract.keys import MESSAGES_BY_CHAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients
    from infra.contract.ids import OutboundRef, SessionId
    from infra.contract.jid import Jid

_AT_ONCE = 25


class Chats:
    """The chats of all sessions; a received message stands under its sender's number, where that is known."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def wrote(self, session_id: SessionId, chat: Jid) -> bool:
        """Tell whether anybody but the account's owner wrote in a chat."""
        entries = map(key_of, self._entries(session_id, chat, newest_first=True))
        received = (key for key in entries if key.sk.startswith(INBOUND))
        while some := list(itertools.islice(received, _AT_ONCE)):
            if any(not item["from_me"] for item in self._table.get_many(some)):
                return True
        return False

    def begins_with(self, session_id: SessionId, chat: Jid, ref: OutboundRef) -> bool:
        """Tell whether nothing came or went in a chat before this message."""
        first = next(self._entries(session_id, chat, page_size=1), None)
        return first is None or key_of(first) == keys.message(session_id, ref)

    def _entries(
        self, session_id: SessionId, chat: Jid, *, newest_first: bool = False, page_size: int | None = None
    ) -> Iterator[Item]:
        return self._table.query(
            f"#{MESSAGES_BY_CHAT.partition} = :chat",
            {"chat": keys.chat_partition(session_id, chat)},
            index=MESSAGES_BY_CHAT,
            newest_first=newest_first,
            page_size=page_size,
        )
