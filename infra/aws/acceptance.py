"""How a message is accepted: once, also when the customer asks twice or twenty times at once."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from infra.aws.errors import ThrottledError
from infra.aws.message_items import read_outbound, write_message
from infra.aws.records import at
from infra.aws.table import IS_NEW, Table
from infra.contract import keys
from infra.contract.ids import OutboundRef
from infra.contract.message import Outbound

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.contract.ids import SessionId

KEYS_LIVE = timedelta(hours=24)
"""How long an Idempotency-Key is remembered."""

_TRIES = 6
_PAUSE_SECONDS = 0.02


class Idempotency(msgspec.Struct, frozen=True):
    """A customer's Idempotency-Key, and a hash of the body that came with it."""

    key: str
    body_hash: str


class Accepted(msgspec.Struct, frozen=True):
    """The message is stored: from here on it is safe."""

    message: Outbound


class SameAgain(msgspec.Struct, frozen=True):
    """The same key came with the same body before; this is what was accepted then, as it is now."""

    message: Outbound


class OtherBody(msgspec.Struct, frozen=True):
    """The same key came with another body before."""

    ref: OutboundRef


class PlaceTakenError(Exception):
    """Another message has this place in the outbox, or it was empty for too long; take the next."""


class Acceptance:
    """Accepts messages into the outbox."""

    def __init__(self, table: Table, *, retention: timedelta) -> None:
        self._table = table
        self._retention = retention

    def accept(self, message: Outbound) -> Accepted:
        """Store a message; raises PlaceTakenError."""
        written = self._table.put(self._item(message), condition=IS_NEW)
        if not written.done and not _is(message, written.item):
            raise PlaceTakenError(str(message.ref))
        return Accepted(message)

    def accept_once(self, message: Outbound, idempotency: Idempotency) -> Accepted | SameAgain | OtherBody:
        """Store a message and that its key came, both or neither; raises PlaceTakenError.

        Raises ThrottledError if others that came with the same key are in the way for too long.
        """
        for tries in range(1, _TRIES + 1):
            try:
                refused = self._table.write_together(self._both(message, idempotency))
            except ThrottledError:
                if tries == _TRIES:
                    raise
                time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**tries))
                continue
            if refused is None:
                return Accepted(message)
            of_key, of_message = refused
            if not of_key.done and of_key.item is not None:
                return self._answer(message.session_id, of_key.item, idempotency)
            if not of_message.done:
                raise PlaceTakenError(str(message.ref))
        raise ThrottledError("the same Idempotency-Key comes too often at once")

    def accepted_before(
        self, session_id: SessionId, idempotency: Idempotency, *, now: datetime
    ) -> SameAgain | OtherBody | None:
        """Look whether a key came before and is still remembered."""
        record = self._table.get(keys.idempotency(session_id, idempotency.key), consistent=True)
        if record is None or record[keys.EXPIRES_AT] <= now.timestamp():
            return None
        return self._answer(session_id, record, idempotency)

    def _both(self, message: Outbound, idempotency: Idempotency) -> list[dict[str, object]]:
        record: Item = {
            **at(keys.idempotency(message.session_id, idempotency.key)),
            "seq": message.ref.seq,
            "body_hash": idempotency.body_hash,
            keys.EXPIRES_AT: int((message.accepted_at + KEYS_LIVE).timestamp()),
        }
        put_record = self._table.put_request(
            record,
            # DynamoDB may take days to delete what has expired
            condition=f"{IS_NEW} OR #{keys.EXPIRES_AT} <= :now",
            values={"now": int(message.accepted_at.timestamp())},
        )
        put_message = self._table.put_request(self._item(message), condition=IS_NEW)
        return [{"Put": put_record}, {"Put": put_message}]

    def _answer(self, session_id: SessionId, record: Item, idempotency: Idempotency) -> SameAgain | OtherBody:
        ref = OutboundRef(record["seq"])
        if record["body_hash"] != idempotency.body_hash:
            return OtherBody(ref)
        item = self._table.get(keys.message(session_id, ref), consistent=True)
        if item is None:
            raise ThrottledError("the session is being deleted")
        return SameAgain(read_outbound(item))

    def _item(self, message: Outbound) -> Item:
        return write_message(message, delete_at=message.accepted_at + self._retention)


def _is(message: Outbound, item: Item | None) -> bool:
    """Tell whether this is our own message, whose answer was lost: its secret is like no other's."""
    return item is not None and item.get("secret") == message.secret
