"""The embedded table, kept in a file: what was answered as written is there after a kill -9.

MiniStack holds its table in memory and saves it at a clean end only. This file gets each item as it stands
after a write, before the write is answered. It needs no log to replay, nor grows with the number of writes.
A crash of the whole machine may cost the last seconds, as nothing is synced.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import msgspec

from infra.contract import keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS definitions (
    place INTEGER PRIMARY KEY, table_name TEXT, action TEXT, request BLOB,
    UNIQUE (table_name, action, request)
);
CREATE TABLE IF NOT EXISTS items (
    table_name TEXT, pk TEXT, sk TEXT, item BLOB NOT NULL, expires_at INTEGER,
    PRIMARY KEY (table_name, pk, sk)
) WITHOUT ROWID;
"""

Item = dict[str, Any]
"""An item in DynamoDB's JSON: `{"pk": {"S": "…"}, …}`."""


class ItemKey(msgspec.Struct, frozen=True):
    """Which item of which table."""

    table: str
    pk: str
    sk: str

    @classmethod
    def of(cls, table: str, item: Mapping[str, Any]) -> ItemKey:
        """Read the key out of an item, or out of a request's `Key`."""
        return cls(table, item[keys.PARTITION]["S"], item[keys.SORT]["S"])

    def as_request(self) -> dict[str, Any]:
        """Give the request that reads the item."""
        key = {keys.PARTITION: {"S": self.pk}, keys.SORT: {"S": self.sk}}
        return {"TableName": self.table, "Key": key, "ConsistentRead": True}


def touched(action: str, request: dict[str, Any]) -> list[ItemKey]:
    """Give the keys that a write may have changed; none for anything but a write."""
    match action:
        case "PutItem":
            return [ItemKey.of(request["TableName"], request["Item"])]
        case "UpdateItem" | "DeleteItem":
            return [ItemKey.of(request["TableName"], request["Key"])]
        case "TransactWriteItems":
            return [key for part in request["TransactItems"] for key in _of_transaction(part)]
        case "BatchWriteItem":
            parts = request["RequestItems"].items()
            return [_of_batch(table, part) for table, batch in parts for part in batch]
        case _:
            return []


def _of_transaction(part: dict[str, Any]) -> list[ItemKey]:
    [(verb, body)] = part.items()
    if verb == "ConditionCheck":
        return []
    return [ItemKey.of(body["TableName"], body["Item" if verb == "Put" else "Key"])]


def _of_batch(table: str, part: dict[str, Any]) -> ItemKey:
    if "PutRequest" in part:
        return ItemKey.of(table, part["PutRequest"]["Item"])
    return ItemKey.of(table, part["DeleteRequest"]["Key"])


class TableFile:
    """The file. One process writes it."""

    def __init__(self, file: Path) -> None:
        """Open or make it; raises sqlite3.Error."""
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Finish; later calls fail."""
        self._db.close()

    def keep_definition(self, table: str, action: str, request: bytes) -> None:
        """Keep a request that made or changed a table."""
        row = (table, action, request)
        self._db.execute(
            "INSERT OR IGNORE INTO definitions (table_name, action, request) VALUES (?, ?, ?)", row
        )

    def drop_table(self, name: str) -> None:
        """Forget a table and its items."""
        self._db.execute("DELETE FROM items WHERE table_name = ?", (name,))
        self._db.execute("DELETE FROM definitions WHERE table_name = ?", (name,))

    def keep(self, changes: list[tuple[ItemKey, Item | None]]) -> None:
        """Keep items as they stand now, all or none; None for one that is gone."""
        self._db.execute("BEGIN")
        for key, item in changes:
            if item is None:
                where = "table_name = ? AND pk = ? AND sk = ?"
                self._db.execute(f"DELETE FROM items WHERE {where}", (key.table, key.pk, key.sk))  # noqa: S608
                continue
            row = (key.table, key.pk, key.sk, msgspec.json.encode(item), _expiry(item))
            self._db.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?, ?, ?)", row)
        self._db.execute("COMMIT")

    def definitions(self) -> list[tuple[str, bytes]]:
        """Give the actions and requests that make the tables again, in order."""
        return self._db.execute("SELECT action, request FROM definitions ORDER BY place").fetchall()

    def items(self, now: float) -> Iterator[tuple[str, Item]]:
        """Give its table's name and every item not expired at `now` (seconds since 1970); drop the others."""
        self._db.execute("DELETE FROM items WHERE expires_at <= ?", (int(now),))
        for table, item in self._db.execute("SELECT table_name, item FROM items"):
            yield table, msgspec.json.decode(item)


def _expiry(item: Item) -> int | None:
    expires_at = item.get(keys.EXPIRES_AT)
    return None if expires_at is None else int(expires_at["N"])
