"""How long a connector with many sessions takes to start, to stop and to be replaced: `make bench-connector`.

Everything runs on this machine: the connectors, the embedded AWS, the sandbox with all the phones.
"""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infra.aws.blobs import Blobs
from infra.aws.leases import Leases
from infra.aws.sessions import Sessions
from infra.contract.ids import SessionId
from infra.contract.session import SessionStatus
from infra.local.folder import DataFolder
from tests import processes
from tests.chaos.stage import Size, running_stage
from tests.chaos.waiting import until_none_left

if TYPE_CHECKING:
    from tests.chaos.containers import Container
    from tests.chaos.stage import Stage

_WITHIN_SECONDS = 180.0
_SESSIONS_PER_HOST = 50


async def measure(folder: DataFolder, sessions: int) -> None:
    """Link the sessions on one connector, and print what everything takes."""
    size = Size(
        connectors=1,
        sessions=sessions,
        contacts=1,
        devices_per_host=_SESSIONS_PER_HOST,
        seconds_between_texts=0,
    )
    began = time.monotonic()
    async with running_stage(folder, size, seed=0) as stage:
        [first] = stage.containers
        second = first.beside("connector-2")
        click.echo(f"{sessions} sessions were linked in {time.monotonic() - began:.0f} s")
        try:
            _tell_size(first)
            await _stop(stage, first)
            await _start(stage, first, "with the devices' databases at hand")
            await _stop(stage, first)
            first.empty()
            await _start(stage, first, "with all of them from S3")
            await _kill_a_host(stage, first)
            await _lose_one_of_two(stage, first, second)
        finally:
            await second.end()


async def _start(stage: Stage, container: Container, how: str) -> None:
    began = time.monotonic()
    await container.start()
    await _all_connected(stage)
    click.echo(f"from start to all connected, {how}: {time.monotonic() - began:.1f} s")


async def _stop(stage: Stage, container: Container) -> None:
    began = time.monotonic()
    code = await container.drain()
    seconds = time.monotonic() - began
    held = [lease.shard for lease in Leases(stage.clients).all() if lease.holder is not None]
    final = sum([_is_final(stage, member.session) for member in stage.cast.members])
    click.echo(
        f"from SIGTERM to exit {code}: {seconds:.1f} s; {final} auth blobs of {len(stage.cast.members)} are "
        f"final, {len(held)} leases are held"
    )


async def _kill_a_host(stage: Stage, container: Container) -> None:
    async def all_online() -> list[str]:
        return [] if await _offline(stage) else ["nothing has happened yet"]

    fullest = max(container.hosts(), key=processes.threads)
    began = time.monotonic()
    os.kill(fullest, signal.SIGKILL)
    await until_none_left(all_online, within=_WITHIN_SECONDS)
    await until_none_left(partial(_offline, stage), within=_WITHIN_SECONDS)
    online = time.monotonic() - began
    await _all_connected(stage)
    seconds = time.monotonic() - began
    click.echo(
        f"from kill -9 of one of its device hosts to all online again: {online:.1f} s, "
        f"and the table was seen to say so: {seconds:.1f} s"
    )


async def _lose_one_of_two(stage: Stage, first: Container, second: Container) -> None:
    began = time.monotonic()
    await second.start()
    stage.containers.append(second)
    await stage.until_shared()
    await _all_connected(stage)
    click.echo(
        f"from the start of a second connector to all shared and connected: {time.monotonic() - began:.1f} s"
    )
    began = time.monotonic()
    await first.lose()
    await _all_connected(stage)
    click.echo(f"from kill -9 of one of two to all connected again: {time.monotonic() - began:.1f} s")
    _tell_size(second)


async def _all_connected(stage: Stage) -> None:
    """Wait until WhatsApp has every device online, and the table says so."""
    left = await until_none_left(lambda: _not_connected(stage), within=_WITHIN_SECONDS)
    if left:
        raise TimeoutError(f"not connected after {_WITHIN_SECONDS:.0f} s: {sorted(left)}")


async def _not_connected(stage: Stage) -> set[str]:
    return await _offline(stage) or await asyncio.to_thread(_reported_otherwise, stage)


async def _offline(stage: Stage) -> set[str]:
    phones = {phone["number"]: phone["devices"] for phone in await stage.phones.all()}
    return {
        member.session
        for member in stage.cast.members
        if not all(device["online"] for device in phones[member.number])
    }


def _reported_otherwise(stage: Stage) -> set[str]:
    sessions = Sessions(stage.clients)
    ids = [SessionId(member.session) for member in stage.cast.members]
    return {each for each in ids if sessions.get(each).status is not SessionStatus.CONNECTED}


def _is_final(stage: Stage, session: str) -> bool:
    saved = Blobs(stage.clients).load(SessionId(session))
    return saved is not None and saved.blob.final


def _tell_size(container: Container) -> None:
    for name, pid in (("supervisor", container.pid), *(("device host", pid) for pid in container.hosts())):
        click.echo(
            f"    {name:<11} {processes.resident(pid):4.0f} MB, {processes.threads(pid):3} threads, "
            f"{processes.descriptors(pid):4} descriptors"
        )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sessions", default=200)
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the logs and all data in this folder.")
def main(*, sessions: int, keep: Path | None) -> None:
    """Start, stop and kill connectors that have many sessions."""
    with tempfile.TemporaryDirectory() as path:
        asyncio.run(measure(DataFolder((keep or Path(path)) / "data"), sessions))


if __name__ == "__main__":
    main()
