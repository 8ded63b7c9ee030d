"""Pages of listings: how many items, and where the next page begins."""

from __future__ import annotations

from typing import Annotated

from litestar.params import QueryParameter
from msgspec import Meta

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="how many at the most")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[A-Za-z0-9_-]+$",
        max_length=1024,
        description="`next_cursor` of the page before; none for the first",
    ),
]
NextCursor = Annotated[str | None, Meta(description="pass it as `cursor`; null: this was the last page")]
DEFAULT_LIMIT = 50
