"""Receives the nudges of the shards that are held, each by long polls in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.aws.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from infra.aws.queues import Queues
    from infra.contract.queues import Nudge

_log = logging.getLogger(__name__)

_AFTER_ERROR_SECONDS = 1.0


class Nudges:
    """The pollers, owned by the task group that is handed in.

    What a poll receives that is cancelled is lost to us for now, as any nudge may be: the table is the truth.
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
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def receive(self, shard: int) -> None:
        """Receive a shard's nudges from now on."""
        self._tasks[shard] = self._group.create_task(self._poll(shard), name=f"nudges-{shard}")

    def ignore(self, shard: int) -> None:
        """Receive them no longer."""
        if (task := self._tasks.pop(shard, None)) is not None:
            task.cancel()

    async def _poll(self, shard: int) -> None:
        loop = asyncio.get_running_loop()
        receive = partial(self._queues.receive_nudges, shard, wait=self._wait)
        while True:
            try:
                received = await loop.run_in_executor(self._threads, receive)
            except AwsError as error:
                _log.warning("nudges_out_of_reach", extra={"shard": shard, "cause": str(error)})
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
                continue
            for each in received:
                self._on_nudge(shard, each.message)
            if received:
                handles = [each.handle for each in received]
                self._group.create_task(persistently(self._queues.delete_nudges, shard, handles))
