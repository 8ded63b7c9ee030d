"""Nudges that come after their shard was handed over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.nudges import Nudges
from infra.aws.queues import Queues
from infra.contract.ids import SessionId
from infra.contract.queues import Nudge, NudgeReason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from infra.aws.clients import Clients

NUDGE = Nudge(SessionId("ada"), NudgeReason.SEND)


def nudges_of(
    queues: Queues, follow: Callable[[Nudge], None], group: asyncio.TaskGroup, *, seconds: float
) -> Nudges:
    """Make the pollers of two shards, whose long polls take so many seconds."""
    wait = timedelta(seconds=seconds)
    return Nudges(queues, lambda _, nudge: follow(nudge), shards=2, wait=wait, group=group)


async def test_what_a_long_poll_receives_after_the_hand_over_is_there_for_the_successor(
    clients: Clients,
) -> None:
    queues, followed = Queues(clients), list[Nudge]()
    async with asyncio.TaskGroup() as group:
        nudges = nudges_of(queues, followed.append, group, seconds=2)
        nudges.receive(0)
        await asyncio.sleep(0.2)  # the poll waits at the queue by now, or else takes none at all

        nudges.ignore(0)
        await asyncio.to_thread(queues.nudge, 0, NUDGE)
        await asyncio.sleep(0)

    async with asyncio.timeout(10):
        while not (received := await asyncio.to_thread(queues.receive_nudges, 0, wait=timedelta(seconds=1))):
            pass
    assert [each.message for each in received] == [NUDGE]
    assert followed == []


async def test_a_shard_that_comes_back_waits_for_no_thread_that_a_former_poll_has(clients: Clients) -> None:
    queues, followed = Queues(clients), asyncio.Queue[Nudge]()
    async with asyncio.TaskGroup() as group:
        nudges = nudges_of(queues, followed.put_nowait, group, seconds=6)
        for change in (nudges.receive, nudges.ignore, nudges.receive):
            for shard in (0, 1):
                change(shard)
            await asyncio.sleep(0.2)  # the polls wait at the queues by now

        await asyncio.to_thread(queues.nudge, 1, NUDGE)
        async with asyncio.timeout(4):
            assert await followed.get() == NUDGE
        for shard in (0, 1):
            nudges.ignore(shard)


async def test_nudges_that_were_followed_are_deleted_together(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    queues, deleted = Queues(clients), list[int]()
    followed = asyncio.Queue[Nudge]()
    delete = queues.delete_nudges

    def counted(shard: int, handles: Sequence[str]) -> None:
        deleted.append(len(handles))
        delete(shard, handles)

    monkeypatch.setattr(queues, "delete_nudges", counted)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        nudges = nudges_of(queues, followed.put_nowait, group, seconds=1)
        nudges.receive(0)
        for _ in range(12):
            await asyncio.to_thread(queues.nudge, 0, NUDGE)
            await followed.get()
        nudges.ignore(0)

    assert sum(deleted) == 12
    assert len(deleted) < 12
    assert max(deleted) <= 10
