"""The stage: a whole stack whose connectors can be harmed one by one, and people who talk through it."""

from __future__ import annotations

import contextlib
import os
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from infra.aws.clients import AwsSettings, Clients
from infra.local.gateway import Gateway
from infra.local.log_lines import LogLines
from infra.local.simulated_phones import SimulatedPhones
from infra.local.stack_programs import Options
from infra.local.supervisor import Supervisor
from infra.local.up import running_stack
from infra.sandbox.address import SandboxAddress
from tests import processes
from tests.chaos.cast import Cast, linked_cast
from tests.chaos.containers import Container
from tests.chaos.reading import Reading
from tests.chaos.traffic import Traffic
from tests.chaos.waiting import until_none_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from infra.local.folder import DataFolder

API, AWS, CONSUMER = "infra.local.api", "infra.local.embedded_aws", "infra.local.events"
_SHARED_WITHIN_SECONDS = 60.0


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How big the stage is."""

    connectors: int
    sessions: int
    contacts: int
    devices_per_host: int
    seconds_between_texts: float
    """Of one session, in each direction."""
    lease_seconds: float = 10.0
    renew_seconds: float = 3.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the faults harm, and what is watched meanwhile."""

    gateway: Gateway
    phones: SimulatedPhones
    clients: Clients
    containers: list[Container]
    cast: Cast
    traffic: Traffic
    reading: Reading
    luck: random.Random

    def victim(self) -> Container:
        """Choose a connector that runs devices."""
        return self.luck.choice([each for each in self.containers if each.runs and each.hosts()])

    async def until_flowing(self, *, since: float, within: float) -> float | None:
        """Wait until every session has its device online, and a text of it was read that was posted since.

        Gives the time of day at which that was so; None if it was not.
        """
        self.traffic.hurry()
        left = await until_none_left(partial(self._silent, since), within=within)
        return None if left else time.time()

    async def until_shared(self) -> None:
        """Wait until all connectors hold shards, none of them many more than another."""
        await _until_shared(self.gateway, self.containers)

    async def _silent(self, since: float) -> set[str]:
        """Give the sessions that are offline, or of which no text was read that was posted since."""
        read = {each.text for each in self.reading.reads}
        flowing = {each.session for each in self.traffic.posted if each.at > since and each.text in read}
        phones = {phone["number"]: phone["devices"] for phone in await self.phones.all()}
        return {
            member.session
            for member in self.cast.members
            if member.session not in flowing or not all(each["online"] for each in phones[member.number])
        }


@contextlib.asynccontextmanager
async def running_stage(folder: DataFolder, size: Size, *, seed: int) -> AsyncIterator[Stage]:
    """Set everything up in a folder, and link the sessions; at the end nothing runs any more."""
    folder.path.mkdir(parents=True, exist_ok=True)
    luck = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        log = stack.enter_context((folder.path / "stack.log").open("w"))
        supervisor = Supervisor(LogLines(log))
        options = Options(port=0, sandbox=True, connectors=0)
        url = await stack.enter_async_context(running_stack(supervisor, folder, options))
        gateway = await stack.enter_async_context(Gateway.find(url, None, folder))
        phones = await stack.enter_async_context(SimulatedPhones(SandboxAddress.read(folder.path).control))
        environment = processes.environment(processes.program(API))
        clients = _clients(environment)
        containers = await _connectors(stack, folder, size, environment)
        await _until_shared(gateway, containers)
        cast = await linked_cast(gateway, phones, sessions=size.sessions, contacts=size.contacts)
        yield Stage(
            gateway=gateway,
            phones=phones,
            clients=clients,
            containers=containers,
            cast=cast,
            traffic=Traffic(gateway, phones, cast, every=size.seconds_between_texts, luck=luck),
            reading=Reading(phones, cast.contacts),
            luck=luck,
        )


async def _until_shared(gateway: Gateway, containers: Sequence[Container]) -> None:
    async def lacking() -> list[str]:
        held = {each["pid"]: len(each["shards"]) for each in await gateway.connectors()}
        most = max(held.values(), default=0)
        return [each.name for each in containers if held.get(each.pid, 0) < max(1, most - 1)]

    left = await until_none_left(lacking, within=_SHARED_WITHIN_SECONDS)
    if left:
        raise TimeoutError(f"after {_SHARED_WITHIN_SECONDS:.0f} s {left} lack shards")


def _clients(environment: dict[str, str]) -> Clients:
    os.environ |= {name: environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return Clients(AwsSettings.from_environment(environment))


async def _connectors(
    stack: contextlib.AsyncExitStack, folder: DataFolder, size: Size, environment: dict[str, str]
) -> list[Container]:
    settings = {
        "ROOST_DEVICES_PER_HOST": str(size.devices_per_host),
        "ROOST_LEASE_SECONDS": str(size.lease_seconds),
        "ROOST_RENEW_SECONDS": str(size.renew_seconds),
    }
    containers = [
        Container(f"connector-{number}", folder, environment | settings)
        for number in range(1, size.connectors + 1)
    ]
    for container in containers:
        stack.push_async_callback(container.end)
        await container.start()
    return containers
