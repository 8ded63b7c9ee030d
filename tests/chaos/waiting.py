"""Waiting for what others bring about, without a fixed pause."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    Left = TypeVar("Left", bound=Collection[object])

_LOOK_EVERY_SECONDS = 0.25


async def until_none_left(look: Callable[[], Awaitable[Left]], *, within: float) -> Left:
    """Look until nothing is left of what is waited for; gives what still is when time is over."""
    deadline = time.monotonic() + within
    while True:
        left = await look()
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
