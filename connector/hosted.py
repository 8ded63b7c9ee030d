"""A device in a device host, as its session's runner sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from connector.device_host.protocol import Logout, PairPhone, SendTexts, StopDevice
from connector.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

    from connector.device_host.protocol import Command, DeviceReport, TextToSend

_REPORTS_WAITING = 1000
"""So many unread reports of a device hold up its host, and then WhatsApp, which keeps what was not taken."""


class HostDied(NamedTuple):
    """The last report of a device whose host is gone, or could not be started."""

    pause: timedelta
    """Before the device is started again."""
    set_apart: bool = False
    """It is not to be started before a customer asks: its host died once too often with nobody else in it."""


class HostRetires:
    """The report that its host is to end: the device should be stopped, and started again, elsewhere."""


class Host(Protocol):
    """What a device needs of its host."""

    def tell(self, command: Command) -> None:
        """Send a command."""

    async def kill(self) -> None:
        """End the process with all devices in it; returns when it is gone."""

    def forget(self, number: int) -> None:
        """Keep a device no longer."""


class HostedDevice:
    """One start of one device."""

    def __init__(self, number: int, database: Path, host: Host) -> None:
        self.number = number
        self.database = database
        self.spool = Spool(database)
        self.reports: asyncio.Queue[DeviceReport | HostDied | HostRetires] = asyncio.Queue(_REPORTS_WAITING)
        self.left = asyncio.Event()
        """Set when nobody listens to it any more."""
        self._host = host

    def send_texts(self, texts: Sequence[TextToSend]) -> None:
        """Send these in order, up to the first that fails."""
        self._host.tell(SendTexts(self.number, tuple(texts)))

    def pair_phone(self, phone_number: str) -> None:
        """Ask for a pairing code."""
        self._host.tell(PairPhone(self.number, phone_number))

    def logout(self) -> None:
        """Unlink the device."""
        self._host.tell(Logout(self.number))

    def stop(self) -> None:
        """Begin to stop; `Stopped` is the last report."""
        self._host.tell(StopDevice(self.number))

    async def kill_host(self) -> None:
        """End its host, with all devices in it; returns when it is gone."""
        await self._host.kill()

    def forget(self) -> None:
        """Listen to it no more."""
        self._host.forget(self.number)
        self.left.set()
        while not self.reports.empty():
            self.reports.get_nowait()
