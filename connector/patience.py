"""Trying again: how long to wait before the next attempt, and calls to AWS that are worth repeating."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from datetime import timedelta
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from infra.aws.errors import ThrottledError, UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_FIRST = timedelta(seconds=0.2)
_LONGEST = timedelta(seconds=3)


def backoff(attempt: int, *, first: timedelta, longest: timedelta, luck: float) -> timedelta:
    """Give the pause before an attempt, from 1: it doubles, and luck (0 to 1) takes off up to half."""
    whole = min(longest, first * int(2 ** min(attempt - 1, 30)))
    return whole * (1 - luck / 2)


async def persistently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make a blocking call in a thread, again while AWS is out of reach; its other errors are raised."""
    for attempt in itertools.count(1):
        try:
            return await asyncio.to_thread(call, *args, **kwargs)
        except (ThrottledError, UnreachableError) as error:
            pause = backoff(attempt, first=_FIRST, longest=_LONGEST, luck=random.random())
            _log.warning("aws_out_of_reach", extra={"error": str(error), "again_in": pause.total_seconds()})
            await asyncio.sleep(pause.total_seconds())
    raise AssertionError("counting does not end")
