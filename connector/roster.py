"""Which sessions are served here: those of the shards that are held, each by one runner."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from connector.patience import persistently
from connector.runner import SessionRunner, Stop
from infra.contract.queues import NudgeReason

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from connector.parts import Parts
    from infra.contract.ids import SessionId
    from infra.contract.queues import Nudge


class Roster:
    """The runners, owned by the task group that is handed in."""

    def __init__(self, parts: Parts, group: asyncio.TaskGroup) -> None:
        self._parts = parts
        self._group = group
        self._fences: dict[int, int] = {}
        self._runners: dict[SessionId, tuple[int, SessionRunner, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        """Give the number of sessions that are served."""
        return len(self._runners)

    def hold(self, shard: int, fence: int) -> None:
        """Serve a shard from now on, under this fence."""
        self._fences[shard] = fence
        self._group.create_task(self.sweep(shard), name=f"sweep-{shard}")

    def drop(self, shard: int) -> Awaitable[object]:
        """Serve a shard no longer, from this moment; what is returned is done when nothing of it runs."""
        self._fences.pop(shard, None)
        leaving = [(runner, task) for of, runner, task in self._runners.values() if of == shard]
        for runner, _ in leaving:
            runner.stop(Stop.DRAINED)
        return asyncio.gather(*(task for _, task in leaving))

    def abandon(self) -> None:
        """Leave what would not stop."""
        for _, _, task in self._runners.values():
            task.cancel()

    async def sweep(self, shard: int) -> None:
        """Look at every session of a shard, for what no nudge told."""
        for session_id in await persistently(self._parts.sessions.of_shard, shard):
            self._look(shard, session_id, None)

    def nudge(self, shard: int, nudge: Nudge) -> None:
        """Look at one session."""
        self._look(shard, nudge.session_id, nudge.reason)

    def _look(self, shard: int, session_id: SessionId, reason: NudgeReason | None) -> None:
        if shard not in self._fences:
            return
        if session_id in self._runners:
            _, runner, _ = self._runners[session_id]
            runner.nudge(reason)
            return
        runner = SessionRunner(session_id, self._parts, fence=self._fences[shard])
        task = self._group.create_task(runner.run(), name=f"session-{session_id}")
        self._runners[session_id] = (shard, runner, task)
        task.add_done_callback(lambda _: self._ended(session_id))

    def _ended(self, session_id: SessionId) -> None:
        shard, runner, task = self._runners.pop(session_id)
        if runner.was_nudged and not task.cancelled():
            self._look(shard, session_id, NudgeReason.DESIRED_CHANGED)
