"""A chaos run: faults one after the other over running traffic, then the reckoning."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.chaos import ending
from tests.chaos.accounting import Account, Phase
from tests.chaos.stage import running_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.local.folder import DataFolder
    from tests.chaos.faults import Fault
    from tests.chaos.stage import Size, Stage

_RECOVERS_WITHIN_SECONDS = 90.0
_QUIET_SECONDS = (1.0, 6.0)
_CALM = "none"


async def chaos(
    folder: DataFolder, size: Size, faults: Sequence[Fault], *, seed: int, tell: Callable[[str], None]
) -> Account:
    """Let the faults happen in this order, and give the account of everything."""
    async with running_stage(folder, size, seed=seed) as stage:
        tell(f"{size.sessions} sessions are linked, on {size.connectors} connectors; seed {seed}")
        identities = await ending.identities(stage)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(stage.reading.run())
            talking = group.create_task(stage.traffic.run())
            phases = await _phases(stage, faults, tell)
            stage.traffic.finish()
            await talking
            breaches = await ending.until_settled(stage)
            breaches += await ending.drained(stage)
            reading.cancel()
        await stage.reading.look()
        account = Account(phases, await ending.seen(stage))
        account.breaches += sorted(stage.traffic.refused)
        account.breaches += breaches
        account.breaches += ending.changes(identities, await ending.identities(stage))
    account.breaches += await ending.survivors(folder.path)
    return account


async def _phases(stage: Stage, faults: Sequence[Fault], tell: Callable[[str], None]) -> list[Phase]:
    began = time.time()
    phases = [Phase(_CALM, began, await _seconds(stage, began, began), may_lose_inbound=False)]
    for fault in faults:
        await asyncio.sleep(stage.luck.uniform(*_QUIET_SECONDS))
        began = time.time()
        async with fault.strike(stage):
            seconds = await _seconds(stage, began, time.time())
        tell(f"{fault.name}: {'never' if seconds is None else f'flowing after {seconds:.1f} s'}")
        phases.append(Phase(fault.name, began, seconds, fault.may_lose_inbound))
        if fault is not faults[-1]:
            await stage.until_flowing(since=time.time(), within=_RECOVERS_WITHIN_SECONDS)
    return phases


async def _seconds(stage: Stage, began: float, struck: float) -> float | None:
    """Give how long it took from the beginning of a fault until all sessions' texts flowed again."""
    flowing = await stage.until_flowing(since=struck, within=_RECOVERS_WITHIN_SECONDS)
    return None if flowing is None else flowing - began
