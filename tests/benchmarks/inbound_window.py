"""How much that was received can be lost with a killed process: `make bench-inbound`.

WhatsApp is told that a message arrived before Python sees it. Here a phone writes to one session as fast as
it can, and in the middle of it something is killed: the device host, the supervisor, or both. When all has
come back, every message that WhatsApp believes delivered and that is not stored is lost.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import click

from infra.local.folder import DataFolder
from tests.chaos import ending
from tests.chaos.stage import Size, running_stage
from tests.chaos.waiting import until_none_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.containers import Container
    from tests.chaos.stage import Stage

_WRITERS = 8
_BURST_SECONDS = (0.5, 1.5)
_SETTLES_WITHIN_SECONDS = 90.0
_SIZE = Size(
    connectors=1,
    sessions=1,
    contacts=1,
    devices_per_host=1,
    seconds_between_texts=0,
    lease_seconds=3.0,
    renew_seconds=1.0,
)


class Round(NamedTuple):
    """How much was written in a burst, how fast, and how much of it was lost."""

    written: int
    per_second: float
    lost: int


def _kill_host(container: Container) -> None:
    os.kill(container.hosts()[0], signal.SIGKILL)


def _kill_supervisor(container: Container) -> None:
    container.send(signal.SIGKILL)


def _kill_both(container: Container) -> None:
    container.send(signal.SIGKILL, hosts=True)


KILLS: dict[str, Callable[[Container], None]] = {
    "device host": _kill_host,
    "supervisor": _kill_supervisor,
    "supervisor and its host": _kill_both,
}


async def measure(folder: DataFolder, rounds: int, seed: int) -> None:
    """Print a line for each process that is killed."""
    async with running_stage(folder, _SIZE, seed=seed) as stage:
        for what, kill in KILLS.items():
            _tell(what, [await _round(stage, kill) for _ in range(rounds)])


async def _round(stage: Stage, kill: Callable[[Container], None]) -> Round:
    [container] = stage.containers
    texts: list[str] = []
    over = asyncio.Event()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for _ in range(_WRITERS):
            group.create_task(_write(stage, texts, over))
        await asyncio.sleep(stage.luck.uniform(*_BURST_SECONDS))
        kill(container)
        per_second = len(texts) / (time.monotonic() - began)
        over.set()
    if kill is not _kill_host:
        await container.kill()
        await container.start()
    stored = await _stored(stage)
    return Round(len(texts), per_second, sum(text not in stored for text in texts))


async def _write(stage: Stage, texts: list[str], over: asyncio.Event) -> None:
    [member] = stage.cast.members
    while not over.is_set():
        text = uuid4().hex
        texts.append(text)
        await stage.phones.write(member.chats[0].to, member.number, text)


async def _stored(stage: Stage) -> set[str]:
    """Give all that is stored, once a text that was written after all others is among it."""
    [member] = stage.cast.members
    last = uuid4().hex
    await stage.phones.write(member.chats[0].to, member.number, last)

    async def missing() -> list[str]:
        told = await ending.unsettled(stage) + await ending.unconsumed(stage)
        return told if told or (member.session, last) in (await ending.seen(stage)).stored else [last]

    left = await until_none_left(missing, within=_SETTLES_WITHIN_SECONDS)
    if left:
        raise TimeoutError(f"not settled after a kill: {left}")
    return {text for _, text in (await ending.seen(stage)).stored}


def _tell(what: str, rounds: list[Round]) -> None:
    lost = [each.lost for each in rounds]
    worth = [each.lost / each.per_second * 1000 for each in rounds]
    click.echo(
        f"kill -9 of the {what}: {len(rounds)} rounds, {sum(each.written for each in rounds)} written at "
        f"{statistics.mean(each.per_second for each in rounds):.0f}/s; lost {sum(lost)}, "
        f"median {statistics.median(lost):g} and at most {max(lost)} a kill, "
        f"worth {statistics.median(worth):.0f} and at most {max(worth):.0f} ms of traffic"
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=20, help="How often each is killed.")
@click.option("--seed", default=1)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the logs and all data in this folder.")
def main(*, rounds: int, seed: int, keep: Path | None) -> None:
    """Kill what receives, in bursts of messages, and count what is never stored."""
    with tempfile.TemporaryDirectory() as path:
        asyncio.run(measure(DataFolder((keep or Path(path)) / "data"), rounds, seed))


if __name__ == "__main__":
    main()
