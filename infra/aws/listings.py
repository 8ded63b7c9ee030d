"""Pages of what is listed whole by id: sessions and API keys."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from infra.aws.pages import Page, read_cursor, write_cursor
from infra.aws.records import key_of
from infra.contract.keys import LISTINGS

if TYPE_CHECKING:
    from infra.aws.attributes import Item
    from infra.aws.table import Table

_BEFORE_ALL = " "
"""Sorts before every id; DynamoDB takes no empty text in a key."""


def read_listing(table: Table, listing: str, *, cursor: str | None, limit: int) -> Page[Item]:
    """Give the items after the cursor, by id; the index that is read lags by a moment."""
    (after,) = read_cursor(cursor, parts=1) if cursor else (_BEFORE_ALL,)
    found = table.query(
        f"#{LISTINGS.partition} = :listing AND #{LISTINGS.sort} > :after",
        {"listing": listing, "after": after},
        index=LISTINGS,
        page_size=limit + 1,
    )
    entries = list(itertools.islice(found, limit + 1))
    wanted = [key_of(entry) for entry in entries[:limit]]
    there_is_more = len(entries) > limit
    return Page(
        table.get_many(wanted),
        write_cursor([entries[limit - 1][LISTINGS.sort]]) if there_is_more else None,
    )
