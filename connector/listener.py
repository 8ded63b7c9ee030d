"""Listens to one start of one device, and passes on what it says."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, assert_never

from connector.device_host.protocol import (
    Connected,
    Linked,
    LoggedOut,
    Lost,
    MessageSeen,
    PairingCodeShown,
    QrShown,
    ReceiptSeen,
    SendFailed,
    SpoolTurned,
    Stopped,
    TextSent,
    Unreadable,
)
from connector.events import event_of
from connector.hosts import HostDied, HostRetires
from connector.verdicts import HOST_CRASHED, SET_APART, VERDICTS, Next
from infra.contract.session import LinkOffer

if TYPE_CHECKING:
    from connector.device_host.protocol import DeviceReport
    from connector.hosts import HostedDevice
    from connector.serving import Serving
    from connector.verdicts import Verdict

_log = logging.getLogger(__name__)

T = TypeVar("T")

_ANSWER_SECONDS = 20.0


class Listener:
    """The ears for one device. `ending` is set when it needs an end: a verdict, or None when asked to."""

    def __init__(self, serving: Serving, device: HostedDevice) -> None:
        loop = asyncio.get_running_loop()
        self.ending: asyncio.Future[Verdict | None] = loop.create_future()
        self.waiting_since: float | None = serving.clock.monotonic()
        """Since when it should have connected, or shown why not."""
        self.host_retires = False
        """Whether it needs an end only to be started again in another host."""
        self._serving = serving
        self._device = device
        self._pairing: asyncio.Future[str | None] = loop.create_future()
        self._logout: asyncio.Future[bool] = loop.create_future()

    def end(self, verdict: Verdict | None) -> None:
        """Have the device ended; the first to ask decides why."""
        if not self.ending.done():
            self.ending.set_result(verdict)

    async def pairing_code(self, phone_number: str) -> str | None:
        """Have the device ask for a pairing code; None if WhatsApp gives none."""
        self._pairing = asyncio.get_running_loop().create_future()
        self._device.pair_phone(phone_number)
        return await _within_reason(self._pairing)

    async def logout(self) -> bool:
        """Have the device unlinked; False if that could not be done."""
        self._logout = asyncio.get_running_loop().create_future()
        self._device.logout()
        return await _within_reason(self._logout) is True

    async def listen(self) -> None:
        """Pass on what the device says, until it is stopped or its host has died."""
        try:
            while True:
                match report := await self._device.reports.get():
                    case Stopped():
                        break
                    case HostDied(pause=pause, set_apart=set_apart):
                        for kept in await asyncio.to_thread(self._device.spool.unheard):
                            await self._pass_on(kept)
                        self.end(SET_APART if set_apart else HOST_CRASHED._replace(pause=pause))
                        break
                    case HostRetires():
                        self._move()
                    case _:
                        await self._pass_on(report)
            await self._serving.events.then(self._device.spool.delete)
        finally:
            self._serving.sender.cut_off()

    def _move(self) -> None:
        if self._serving.reporter.linked and not self.ending.done():  # nobody's QR changes under his camera
            self.host_retires = True
            self.end(None)

    async def _pass_on(self, report: DeviceReport) -> None:
        match report:
            case TextSent() | SendFailed():
                self._serving.blob.touch()
                self._serving.sender.outcome(report)
            case MessageSeen() | ReceiptSeen():
                self._device.spool.heard()
                await self._seen(report)
            case SpoolTurned():
                await self._serving.events.then(self._device.spool.turn())
            case PairingCodeShown() | LoggedOut():
                self._answer(report)
            case Unreadable(event=event, error=error):
                _log.error(
                    "event_unreadable", extra={"session": self._serving.id, "event": event, "error": error}
                )
            case Stopped():
                pass
            case _:
                await self._report(report)

    def _answer(self, report: PairingCodeShown | LoggedOut) -> None:
        if isinstance(report, LoggedOut):
            _settle(self._logout, report.done)
        else:
            _settle(self._pairing, report.code)

    async def _report(self, report: QrShown | Linked | Connected | Lost) -> None:
        reporter, now = self._serving.reporter, self._serving.clock.now()
        self.waiting_since = None
        match report:
            case QrShown(code=code, valid_seconds=seconds):
                await reporter.awaiting_link(LinkOffer(code, now + timedelta(seconds=seconds)))
            case Linked():
                self.waiting_since = self._serving.clock.monotonic()
                await reporter.connecting()
            case Connected():
                await self._connected(report)
            case Lost():
                await self._lost(report)
            case _:
                assert_never(report)

    async def _connected(self, report: Connected) -> None:
        newly_linked = not self._serving.reporter.linked
        if newly_linked:
            await self._serving.blob.save()  # before anybody hears of it: a link once shown must survive
        await self._serving.reporter.connected(
            phone_number=report.phone_number, lid=report.lid, push_name=report.push_name
        )
        self._serving.blob.touch()
        self._serving.sender.connected(self._device)

    async def _lost(self, report: Lost) -> None:
        self._serving.sender.disconnected()
        verdict = VERDICTS[report.loss]
        if verdict.next is not Next.WAIT:
            self.end(verdict._replace(pause=timedelta(seconds=report.retry_seconds or 0)))
        elif not self.ending.done():
            self.waiting_since = self._serving.clock.monotonic()
            await self._serving.reporter.lost(verdict, self._serving.clock.now())

    async def _seen(self, report: MessageSeen | ReceiptSeen) -> None:
        if isinstance(report, ReceiptSeen):
            self._serving.receipts.saw(report.wa_ids, report.at)
            await self._serving.ledger.recorded(report.wa_ids)
        else:
            self._serving.blob.touch()
            if not report.from_me:
                self._serving.strangers.heard_from(report.chat)
        maybe_known = self.ending.done()  # a successor's device may be there already
        await self._serving.events.put(event_of(self._serving.id, report, maybe_known=maybe_known))


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


async def _within_reason(future: asyncio.Future[T]) -> T | None:
    try:
        return await asyncio.wait_for(future, _ANSWER_SECONDS)
    except TimeoutError:
        return None
