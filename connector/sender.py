"""Works a session's outbox off: has its messages sent in order, and decides what follows from each outcome.

Effectively once: a message is claimed before the device hears of it. Whether one that was being sent when
something broke has left is looked up in the device's database, where whatsmeow writes each message's secret
and id before it sends it. Order: nothing overtakes a message that has to be tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from connector import device_file
from connector.device_host.protocol import SendError, SendFailed, TextSent, TextToSend
from infra.contract.message import OnUnknown

if TYPE_CHECKING:
    from pathlib import Path

    from connector.hosts import HostedDevice
    from connector.intake import Intake
    from connector.ledger import Claim, Ledger
    from connector.receipts import Receipts
    from infra.contract.clock import Clock

_PAUSES = {SendError.NOT_CONNECTED: 0.5, SendError.RATE_LIMITED: 30.0}
"""Errors after which a message is tried again, and the seconds until then."""
_DOUBT_SECONDS = 10.0
"""So long after it is connected again a receipt is waited for that proves that a message has left."""
_AWAY_SECONDS = 30.0
"""So often it is looked what expires while nothing can be sent."""
_FINISH_SECONDS = 5.0


class Sender:
    """One session's outbox. `run` is its life; the session's runner tells it what the device does."""

    def __init__(
        self, intake: Intake, ledger: Ledger, receipts: Receipts, *, database: Path, clock: Clock
    ) -> None:
        self._intake = intake
        self._ledger = ledger
        self._receipts = receipts
        self._database = database
        self._clock = clock
        self._doubt_until = 0.0
        self._ready: deque[Claim] = deque()
        self._device: HostedDevice | None = None
        self._connected = asyncio.Event()
        self._nudged = asyncio.Event()
        self._more = True
        self._idle = asyncio.Event()
        self._idle.set()
        self._outcomes: asyncio.Queue[TextSent | SendFailed | None] = asyncio.Queue()
        self.waiting_since: float | None = None
        """Since when the device owes an answer; None while it owes none."""
        self.known_since = 0
        """Every message that left under this fence or a later one is in the database."""

    def nudge(self) -> None:
        """Look into the outbox."""
        self._nudged.set()

    def connected(self, device: HostedDevice) -> None:
        """Send through this device from now on."""
        self._device = device
        self._doubt_until = self._clock.monotonic() + _DOUBT_SECONDS
        self._more = True
        self._connected.set()

    def disconnected(self) -> None:
        """Begin nothing new; what runs may still end well."""
        self._connected.clear()

    def outcome(self, outcome: TextSent | SendFailed) -> None:
        """Take what became of a text."""
        self._outcomes.put_nowait(outcome)

    def cut_off(self) -> None:
        """Expect no outcome any more: the device is gone."""
        self._connected.clear()
        self._outcomes.put_nowait(None)

    async def finish(self) -> None:
        """Begin nothing new, and wait a little for what runs."""
        self._connected.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), _FINISH_SECONDS)

    async def run(self) -> None:
        """Send for as long as this runs."""
        while True:
            if not self._connected.is_set():
                await self._await_connection()
                continue
            if not self._ready and self._has_news:
                await asyncio.sleep(self._intake.pause)
                self._ready.extend(await self._claim())
            if not self._ready:
                await self._await_news()
            elif not self._ready[0].unsent:
                await self._settle_doubt(self._ready.popleft())
            elif self._ready[0].message.expires_at <= self._clock.now():
                await self._ledger.expired(self._ready.popleft().message.ref)
            elif self._connected.is_set():
                await self._send_batch(self._next_batch())

    @property
    def _has_news(self) -> bool:
        """Whether there may be more in the outbox than was seen."""
        return self._more or self._nudged.is_set()

    async def _claim(self) -> list[Claim]:
        self._nudged.clear()
        claims = await self._intake.claim()
        self._more = len(claims) >= self._intake.ahead
        return claims

    async def _await_connection(self) -> None:
        try:
            await asyncio.wait_for(self._connected.wait(), _AWAY_SECONDS)
        except TimeoutError:
            await self._intake.expire()

    async def _await_news(self) -> None:
        try:
            await asyncio.wait_for(self._nudged.wait(), self._intake.patience)
        except TimeoutError:
            self._more = True

    def _next_batch(self) -> list[Claim]:
        batch: list[Claim] = []
        while self._ready and self._ready[0].unsent and len(batch) < self._intake.ahead:
            batch.append(self._ready.popleft())
        return batch

    async def _send_batch(self, batch: list[Claim]) -> None:
        """Send while the next ones are being claimed; what was not sent comes first again."""
        self._idle.clear()
        self._hand_over(batch)
        try:
            async with asyncio.TaskGroup() as group:
                left = group.create_task(self._outcomes_of(batch))
                is_last = self._ready or self._intake.ahead == 1 or not self._has_news
                following = None if is_last else group.create_task(self._claim())
        finally:
            self._idle.set()
        self._ready.extendleft(reversed(left.result()))
        if following is not None:
            self._ready.extend(following.result())
        self._ready = deque(await self._intake.still_may_go(self._ready))

    def _hand_over(self, batch: list[Claim]) -> None:
        while not self._outcomes.empty():  # of a device before
            self._outcomes.get_nowait()
        texts = []
        for message, _ in batch:
            texts.append(TextToSend(message.ref.seq, message.to, message.content.text, message.secret))
        if self._device is not None:
            self._device.send_texts(texts)

    async def _outcomes_of(self, batch: list[Claim]) -> list[Claim]:
        """Take the outcomes; give the claims that are still to be dealt with."""
        for index, claim in enumerate(batch):
            match await self._next_outcome():
                case TextSent(wa_id=wa_id, at=at):
                    await self._ledger.sent(claim.message, wa_id=wa_id, at=at)
                case SendFailed(error=error):
                    return [*await self._after_failure(claim, error), *batch[index + 1 :]]
                case None:
                    return [each._replace(unsent=False) for each in batch[index:]]
        return []

    async def _next_outcome(self) -> TextSent | SendFailed | None:
        self.waiting_since = self._clock.monotonic()
        try:
            return await self._outcomes.get()
        finally:
            self.waiting_since = None

    async def _after_failure(self, claim: Claim, error: SendError) -> list[Claim]:
        if (pause := _PAUSES.get(error)) is not None:
            await asyncio.sleep(pause)
            return [claim]
        if error is SendError.MAY_HAVE_LEFT:
            self._doubt_until = self._clock.monotonic() + _DOUBT_SECONDS
            return [claim._replace(unsent=False)]
        if error is SendError.REACH_OUT_RESTRICTED:
            await self._intake.restricted(error)
        await self._ledger.failed(claim.message, error)
        return []

    async def _settle_doubt(self, claim: Claim) -> None:
        """Find out whether a message has left that was being sent when something broke."""
        message = claim.message
        wa_ids = await asyncio.to_thread(device_file.wa_ids, self._database, message.secret)
        if not wa_ids and message.fence >= self.known_since:
            self._ready.extendleft(await self._intake.claim_again(message))
            return
        within = max(0.0, self._doubt_until - self._clock.monotonic()) if wa_ids else 0
        proof = await self._receipts.any_of(wa_ids, within=within)
        if proof is not None:
            await self._ledger.sent(message, wa_id=proof[0], at=proof[1])
        elif message.on_unknown is OnUnknown.RESEND and message.expires_at > self._clock.now():
            self._ready.extendleft(await self._intake.claim_again(message, left_as=wa_ids))
        else:
            await self._ledger.unknown(message, wa_ids=wa_ids)
