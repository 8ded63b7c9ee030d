"""Receives the nudges of the shards that are held, each by long polls in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.aws.errors import AwsError
from infra.aws.queues import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from datetime import timedelta

    from infra.aws.queues import Queues, Received
    from infra.contract.queues import Nudge

_log = logging.getLogger(__name__)

_AFTER_ERROR_SECONDS = 1.0
_GATHERED_SECONDS = 0.3


class Nudges:
    """The pollers, owned by the task group that is handed in.

    A long poll cannot be called off. What it receives after its shard was handed over goes back to the queue:
    the successor would miss it until it looks by itself. When the shard comes back meanwhile, it is gone on
    with: a shard never waits for a thread that another shard's former poll has.
    """

    def __init__(
        self,
        queues: Queues,
        on_nudge: Callable[[int, Nudge], None],
        *,
        shards: int,
        wait: timedelta,
        group: asyncio.TaskGroup,
    ) -> None:
        self._wait = wait
        self._queues = queues
        self._on_nudge = on_nudge
        self._group = group
        self._threads = ThreadPoolExecutor(shards, "nudges")
        self._followed: dict[int, list[str]] = {}
        self._pollers: dict[int, asyncio.Task[None]] = {}
        self._polls: dict[int, Future[list[Received[Nudge]]]] = {}

    def receive(self, shard: int) -> None:
        """Receive a shard's nudges from now on."""
        self._pollers[shard] = self._group.create_task(self._poll_on_and_on(shard), name=f"nudges-{shard}")

    def ignore(self, shard: int) -> None:
        """Receive them no longer."""
        if shard in self._pollers:
            self._pollers.pop(shard).cancel()

    def _poll(self, shard: int) -> Future[list[Received[Nudge]]]:
        """Wait at the shard's queue: by the poll that waits there already, if there is one."""
        poll = self._polls.get(shard)
        if poll is None or poll.done():
            poll = self._polls[shard] = self._threads.submit(self._receive, shard)
        return poll

    def _receive(self, shard: int) -> list[Received[Nudge]]:
        received = self._queues.receive_nudges(shard, wait=self._wait)
        if shard not in self._pollers:
            self._queues.return_nudges(shard, [each.handle for each in received])
            return []
        return received

    async def _poll_on_and_on(self, shard: int) -> None:
        while True:
            try:
                received = await asyncio.wrap_future(self._poll(shard))
            except AwsError as error:
                _log.warning("nudges_out_of_reach", extra={"shard": shard, "cause": str(error)})
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                continue
            for each in received:
                self._on_nudge(shard, each.message)
            self._delete_soon(shard, [each.handle for each in received])

    def _delete_soon(self, shard: int, handles: list[str]) -> None:
        """Delete what was followed together with that of the next moment: a request costs the same."""
        waiting = self._followed.setdefault(shard, [])
        if handles and not waiting:
            self._group.create_task(self._delete(shard))
        waiting += handles

    async def _delete(self, shard: int) -> None:
        await asyncio.sleep(_GATHERED_SECONDS)
        handles = self._followed.pop(shard)
        for start in range(0, len(handles), AT_ONCE):
            await persistently(self._queues.delete_nudges, shard, handles[start : start + AT_ONCE])
