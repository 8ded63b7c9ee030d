"""API keys in the table: found by the hash of their secret."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from infra.aws.listings import read_listing
from infra.aws.pages import Page
from infra.aws.records import Reader, key_of, listed, plain, to_item
from infra.aws.table import EXISTS, IS_NEW, Table
from infra.contract import keys
from infra.contract.api_keys import ApiKey
from infra.contract.keys import LISTINGS

if TYPE_CHECKING:
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.aws.clients import Clients

_NOTED_EVERY = timedelta(minutes=1)
_API_KEY = Reader(ApiKey)


class ApiKeys:
    """The API keys of one stack."""

    def __init__(self, clients: Clients) -> None:
        self._table = Table(clients)

    def create(self, key: ApiKey) -> bool:
        """Store a new key; False if there is one with this secret."""
        written = self._table.put(_write(key), condition=IS_NEW)
        return written.done or (written.item is not None and _read(written.item) == key)

    def find(self, secret_hash: str) -> ApiKey | None:
        """Give the key whose secret has this hash; expired ones too. Consistent: a deleted key is gone."""
        item = self._table.get(keys.api_key(secret_hash), consistent=True)
        return None if item is None else _read(item)

    def find_by_id(self, key_id: str) -> ApiKey | None:
        """Give a key by its public id; may lag by a moment behind `create`."""
        found = self._table.query(
            f"#{LISTINGS.partition} = :listing AND #{LISTINGS.sort} = :id",
            {"listing": keys.API_KEY_LISTING, "id": key_id},
            index=LISTINGS,
        )
        return next(map(_read, self._table.get_many([key_of(entry) for entry in found])), None)

    def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[ApiKey]:
        """Give keys by id; raises BadCursorError."""
        page = read_listing(self._table, keys.API_KEY_LISTING, cursor=cursor, limit=limit)
        return Page([_read(item) for item in page.items], page.cursor)

    def delete(self, key: ApiKey) -> None:
        """Delete a key; it is gone at once. Twice is once."""
        self._table.delete(keys.api_key(key.secret_hash))

    def touch(self, key: ApiKey, *, now: datetime) -> ApiKey:
        """Note that a key was used, at the most once a minute; gives the key as the caller should keep it."""
        if key.last_used_at is not None and now < key.last_used_at + _NOTED_EVERY:
            return key
        self._table.update(
            keys.api_key(key.secret_hash),
            "SET #last_used_at = :now",
            condition=EXISTS,  # a key that was deleted in the meantime does not come back
            values={"now": plain(now)},
        )
        return msgspec.structs.replace(key, last_used_at=now)

    def rotate(self, old: ApiKey, new: ApiKey, *, old_until: datetime) -> bool:
        """Store `new` and let `old` end at `old_until`, both or neither; False if `old` is gone."""
        ending = self._table.update_request(
            keys.api_key(old.secret_hash),
            "SET #ends_at = :until",
            condition=EXISTS,
            values={"until": plain(old_until)},
        )
        adding = self._table.put_request(_write(new), condition=IS_NEW)
        return self._table.write_together([{"Update": ending}, {"Put": adding}]) is None


def _write(key: ApiKey) -> Item:
    return {
        **to_item(key, keys.api_key(key.secret_hash), without=["secret_hash"]),
        **listed(LISTINGS, keys.API_KEY_LISTING, key.id),
    }


def _read(item: Item) -> ApiKey:
    return _API_KEY.read(item, secret_hash=item[keys.PARTITION].removeprefix(keys.api_key("").pk))
