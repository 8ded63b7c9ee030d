"""The JSON of API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter
from msgspec import Meta, Struct

from control_plane.paging import NextCursor
from control_plane.sessions.shapes import Id as SessionIdText
from infra.contract.api_keys import ApiKey, Scope
from infra.contract.ids import SESSION_ID_PATTERN

KEY_ID_PATTERN = r"^key_[a-z0-9]{1,32}$"
MAX_SESSIONS = 100
"""A key is restricted to so many sessions at the most: they are read one by one."""

IdInPath = Annotated[
    str, PathParameter(pattern=KEY_ID_PATTERN, description="the key's id, which is no secret")
]


class NewKey(Struct, forbid_unknown_fields=True):
    """A key to create."""

    name: Annotated[str, Meta(min_length=1, max_length=100, examples=["Web shop"])]
    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope), examples=[["messages:send"]])]
    sessions: Annotated[
        Annotated[list[SessionIdText], Meta(min_length=1, max_length=MAX_SESSIONS)] | None,
        Meta(
            description="the only ones that it may touch; left out: all",
            examples=[["support"]],
            extra_json_schema={  # Litestar documents no limits of a list's parts by itself
                "extra": {
                    "minItems": 1,
                    "maxItems": MAX_SESSIONS,
                    "items": {"type": "string", "pattern": SESSION_ID_PATTERN},
                }
            },
        ),
    ] = None
    expires_at: Annotated[
        Annotated[datetime, Meta(tz=True)] | None, Meta(description="left out: it does not expire")
    ] = None


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key goes on beside the new one."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=30 * 24 * 3600, description="at the most 30 days")] = 3600


class KeyView(Struct):
    """An API key, without its secret."""

    id: Annotated[str, Meta(examples=["key_1f0c9a52b7d4"])]
    prefix: Annotated[
        str, Meta(description="how its secret begins: to recognise it", examples=["roost_x7Kd2a"])
    ]
    name: str
    scopes: list[Scope]
    sessions: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: Annotated[datetime | None, Meta(description="to the minute")]


class NewKeyView(Struct):
    """A key that was just made. Its secret is shown this once."""

    key: KeyView
    secret: Annotated[str, Meta(description="send it as `Authorization: Bearer …`; nobody can show it again")]


class KeyPage(Struct):
    """Some keys, by id."""

    items: list[KeyView]
    next_cursor: NextCursor


def view(key: ApiKey) -> KeyView:
    """Show a key to an administrator."""
    return KeyView(
        id=key.id,
        prefix=key.prefix,
        name=key.name,
        scopes=sorted(key.scopes),
        sessions=None if key.sessions is None else sorted(key.sessions),
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
    )
