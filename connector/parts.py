"""What every session's runner is handed: the adapters and settings that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.events import Events
    from connector.hosts import DeviceHosts
    from connector.settings import Settings
    from infra.aws.blobs import Blobs
    from infra.aws.calls import Calls
    from infra.aws.chats import Chats
    from infra.aws.outbox import Outbox
    from infra.aws.sessions import Sessions
    from infra.contract.clock import Clock


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a connector that its runners use."""

    sessions: Sessions
    outbox: Outbox
    chats: Chats
    calls: Calls
    blobs: Blobs
    events: Events
    hosts: DeviceHosts
    settings: Settings
    clock: Clock
