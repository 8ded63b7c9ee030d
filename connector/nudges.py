"""Receives the nudges of the shards that are held, each by long polls in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from connector.patience import persistently
from infra.aws.errors import AwsError
from infra.aws.queues import AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from infra.aws.queues import Queues, Received
    from infra.contract.queues import Nudge

_log = logging.getLogger(__name__)

_AFTER_ERROR_SECONDS = 1.0
_GATHERED_SECONDS = 0.3


class Nudges:
    """The pollers, owned by the task group that is handed in.

    A long poll cannot be called off. What it receives after its shard was handed over goes back to the queue:
    the successor would miss it until it looks by itself.
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
        self._polls: dict[int, tuple[asyncio.Task[None], threading.Event]] = {}

    def receive(self, shard: int) -> None:
        """Receive a shard's nudges from now on."""
        ignored = threading.Event()
        task = self._group.create_task(self._poll(shard, ignored), name=f"nudges-{shard}")
        self._polls[shard] = task, ignored

    def ignore(self, shard: int) -> None:
        """Receive them no longer."""
        if shard in self._polls:
            task, ignored = self._polls.pop(shard)
            ignored.set()
            task.cancel()

    def _receive(self, shard: int, ignored: threading.Event) -> list[Received[Nudge]]:
        received = self._queues.receive_nudges(shard, wait=self._wait)
        if ignored.is_set():
            self._queues.return_nudges(shard, [each.handle for each in received])
            return []
        return received

    async def _poll(self, shard: int, ignored: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        receive = partial(self._receive, shard, ignored)
        while True:
            try:
                received = await loop.run_in_executor(self._threads, receive)
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
