"""Pages of a listing, and the cursors by which a customer asks for the next one."""

from __future__ import annotations

import base64
import binascii
from typing import Generic, TypeVar

import msgspec

_LONGEST = 1024
"""Bytes of a sort key; DynamoDB refuses more, and none."""

T = TypeVar("T")


class BadCursorError(ValueError):
    """This cursor was not given by the listing that it is used with."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items, and the cursor for those after them; None when there are no more."""

    items: list[T]
    cursor: str | None


def write_cursor(position: list[str]) -> str:
    """Write a place in a listing so that it fits in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor(cursor: str, parts: int) -> list[str]:
    """Read a place back that has so many parts; raises BadCursorError."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        position = msgspec.json.decode(text, type=list[str])
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise BadCursorError("this cursor is not one that a listing gave") from error
    if len(position) != parts or not all(0 < len(part.encode()) <= _LONGEST for part in position):
        raise BadCursorError("this cursor is of another listing")
    return position
