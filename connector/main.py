"""The composition root of a connector."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING

from connector import device_file
from connector.events import Events
from connector.hosts import DeviceHosts
from connector.parts import Parts
from connector.spool import publish_left_again_and_again
from connector.supervisor import Supervisor
from infra.aws.blobs import Blobs
from infra.aws.calls import Calls
from infra.aws.chats import Chats
from infra.aws.clients import Clients
from infra.aws.connectors import Connectors
from infra.aws.leases import Leases
from infra.aws.outbox import Outbox
from infra.aws.queues import Queues
from infra.aws.sessions import Sessions
from infra.contract.clock import SystemClock
from infra.contract.ids import new_connector_id

if TYPE_CHECKING:
    from connector.settings import Settings
    from infra.aws.clients import AwsSettings

_log = logging.getLogger(__name__)

_LEFT_FOR = timedelta(days=1)
"""So long a database stays in the folder that no device has used: its session is served elsewhere by now."""
_THREADS = 32
"""For calls to AWS; the nudges' long polls have threads of their own."""


async def run(settings: Settings, aws: AwsSettings, stop: asyncio.Event) -> None:
    """Run a connector until `stop` is set; returns when it has drained."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "aws"))
    clients = Clients(aws)
    queues = Queues(clients)
    hosts = DeviceHosts(
        settings.devices_folder,
        capacity=settings.devices_per_host,
        launcher=settings.host_launcher,
        spares=settings.spare_hosts,
        memory_ceiling=settings.host_memory_mb * 1_000_000,
    )
    async with hosts:
        since = time.time() - _LEFT_FOR.total_seconds()
        left = await asyncio.to_thread(device_file.remove_untouched, settings.devices_folder, since=since)
        _log.info("devices_folder_tidied", extra={"removed": len(left)})
        parts = Parts(
            sessions=Sessions(clients),
            outbox=Outbox(clients),
            chats=Chats(clients),
            calls=Calls(clients),
            blobs=Blobs(clients),
            events=Events(queues),
            hosts=hosts,
            settings=settings,
            clock=SystemClock(),
        )
        supervisor = Supervisor(
            new_connector_id(),
            parts,
            leases=Leases(Clients(aws, answer_within=settings.lease_answer_within)),
            queues=queues,
            connectors=Connectors(clients),
            shards=aws.shards,
        )
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(
                publish_left_again_and_again(settings.devices_folder, parts.events, hosts.spools)
            )
            await supervisor.run(stop)
            publishing.cancel()


async def run_until_signalled(settings: Settings, aws: AwsSettings) -> None:
    """Run a connector until SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, aws, stop)
