"""One run of a session's device: from the claim of its blob to its last save."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from connector.listener import Listener
from connector.verdicts import SILENT, Next
from infra.aws.errors import AwsError
from infra.contract.session import DisconnectReason

if TYPE_CHECKING:
    from connector.hosts import DeviceHosts, HostedDevice
    from connector.serving import Serving
    from connector.verdicts import Verdict

_log = logging.getLogger(__name__)

_STOP_SECONDS = 12.0
_LAST_SAVE_SECONDS = 6.0
_SILENCE_SECONDS = 60.0
"""For a connection that is being made."""
_SEND_SECONDS = 300.0
"""For one send: whatsmeow itself gives up each of its questions after 75 s."""
_LOOK_SECONDS = 5.0


class DeviceRun:
    """Holds a device once."""

    def __init__(self, serving: Serving, hosts: DeviceHosts) -> None:
        self.listener: Listener | None = None
        """While there is a device to speak to."""
        self._serving = serving
        self._hosts = hosts
        self._to_end = False
        self._moves = False

    def end(self) -> None:
        """Stop the device, or do not start it."""
        self._to_end = True
        if self.listener is not None:
            self.listener.end(None)

    async def to_the_end(self) -> Verdict | None:
        """Hold the device until it needs an end; give why, None if it was asked to.

        The blob and the table are told first, so that whoever is superseded never opens a socket, and whoever
        is superseded by us cannot report what our socket does to theirs.
        """
        await self._serving.blob.claim()
        goes_on = False
        try:
            await self._serving.reporter.starting(linked=self._serving.blob.is_linked())
            verdict = await self._hold()
            while self._moves:
                await self._serving.reporter.connecting()
                verdict = await self._hold()
            if verdict is not None and verdict.reason is DisconnectReason.KEYS_UNREADABLE:
                self._serving.blob.discard()  # the next start goes on from the blob
            goes_on = _runs_again_at_once(verdict) and not self._to_end
            return verdict
        finally:
            if goes_on:
                self._serving.blob.touch()  # fifty devices of a dead host have no time for two saves each
            else:
                await self._save_for_good()

    async def _hold(self) -> Verdict | None:
        device = await self._hosts.start(self._serving.blob.database)
        listener = self.listener = Listener(self._serving, device)
        listening = asyncio.create_task(listener.listen())
        try:
            return None if self._to_end else await self._ending(listener, listening)
        finally:
            self.listener = None
            await self._serving.sender.finish()
            device.stop()
            await self._until_stopped(device, listening)
            self._moves = listener.host_retires and not self._to_end

    async def _ending(self, listener: Listener, listening: asyncio.Task[None]) -> Verdict | None:
        while not listener.ending.done():
            either: list[asyncio.Future[Any]] = [listener.ending, listening]
            await asyncio.wait(either, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if listening.done():
                await listening  # raises what it raised
            if self._is_overdue(listener.waiting_since, _SILENCE_SECONDS) or self._is_overdue(
                self._serving.sender.waiting_since, _SEND_SECONDS
            ):
                listener.end(SILENT)
        return listener.ending.result()

    def _is_overdue(self, since: float | None, seconds: float) -> bool:
        return since is not None and self._serving.clock.monotonic() - since > seconds

    async def _until_stopped(self, device: HostedDevice, listening: asyncio.Task[None]) -> None:
        """Wait until nothing of a device runs, or else the next start would be a second socket of it."""
        try:
            await asyncio.wait_for(listening, _STOP_SECONDS)
        except TimeoutError:
            _log.error("device_hangs", extra={"session": self._serving.id})
            await device.kill_host()
        finally:
            device.forget()

    async def _save_for_good(self) -> None:
        """Save with the final mark; without S3 the blob stays as it is, and whoever comes next repairs it."""
        try:
            async with asyncio.timeout(_LAST_SAVE_SECONDS):
                await self._serving.blob.save(final=True)
        except (TimeoutError, AwsError) as error:
            _log.error("auth_blob_not_final", extra={"session": self._serving.id, "cause": str(error)})


def _runs_again_at_once(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.next is Next.START_SOON and not verdict.pause
