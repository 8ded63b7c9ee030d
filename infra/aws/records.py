"""Records as items of the table and back: times as ISO text, absent fields left out, ids only in the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from infra.contract import keys
from infra.contract.jid import Jid
from infra.contract.keys import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from infra.aws.attributes import Item
    from infra.contract.keys import Index

_ENDS_AT = "ends_at"
"""How a record's own `expires_at` is stored, since DynamoDB deletes by the attribute of that name."""

R = TypeVar("R")


class Reader(Generic[R]):
    """Reads items as records of one type; made while its module is imported, like a decoder of msgspec.

    msgspec prepares a type at its first use, and the process dies when two threads do that at once (0.22,
    12 of 20 processes, with 8 threads that take short turns). So a type is prepared here, with all its parts.
    """

    def __init__(self, record_type: type[R]) -> None:
        self._type = record_type
        msgspec.json.Decoder(record_type)

    def read(self, item: Mapping[str, Any], **from_key: object) -> R:
        """Read a record, with those fields that its key told."""
        attributes = {name: value for name, value in item.items() if name != keys.EXPIRES_AT}
        if _ENDS_AT in attributes:
            attributes["expires_at"] = attributes.pop(_ENDS_AT)
        attributes.update(from_key)
        for name in _JIDS.intersection(attributes):
            attributes[name] = msgspec.structs.asdict(Jid.parse(attributes[name]))
        return msgspec.convert(attributes, self._type)  # noqa: TID251  prepared above


def to_item(
    record: msgspec.Struct,
    key: Key,
    *,
    without: Iterable[str] = (),
    delete_at: datetime | None = None,
) -> Item:
    """Write a record under a key, without those fields that the key tells, to be deleted at some time."""
    item = fields(record)
    for name in without:
        del item[name]
    if delete_at is not None:
        item[keys.EXPIRES_AT] = int(delete_at.timestamp())
    return {**at(key), **item}


def fields(record: msgspec.Struct) -> Item:
    """Write the fields of a record that are there: None is left out, as absence says the same."""
    item = {name: value for name, value in plain(record).items() if value is not None}
    for name in _JIDS.intersection(item):
        item[name] = str(getattr(record, name))
    if "expires_at" in item:
        item[_ENDS_AT] = item.pop("expires_at")
    return item


def plain(value: object) -> Any:
    """Write a value in the types that the table knows, and None."""
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def at(key: Key) -> Item:
    """Give the attributes of a primary key."""
    return {keys.PARTITION: key.pk, keys.SORT: key.sk}


def key_of(item: Mapping[str, Any]) -> Key:
    """Give the primary key of an item, or of an entry of an index."""
    return Key(item[keys.PARTITION], item[keys.SORT])


def listed(index: Index, partition: str, sort: str) -> Item:
    """Give the attributes by which an item is in an index."""
    return {index.partition: partition, index.sort: sort}


_JIDS = frozenset({"to", "chat", "sender"})
