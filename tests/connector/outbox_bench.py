"""One session's sender on a real table, with a device that follows a script, and a clock that is told."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from connector.device_host.protocol import SendError, SendFailed, TextSent, TextToSend
from connector.intake import Intake
from connector.ledger import Ledger
from connector.pacing import Pace
from connector.receipts import Receipts
from connector.sender import Sender
from connector.strangers import Strangers
from infra.aws.chats import Chats
from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.aws.sessions import Sessions
from infra.contract.ids import InboundRef, OutboundRef
from infra.contract.message import Inbound, Outbound, OutboundStatus, Text
from infra.contract.session import Session
from tests.aws.builders import ADA, BOB, a_connected_session, an_outbound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from connector.hosts import HostedDevice
    from infra.aws.clients import Clients
    from infra.contract.jid import Jid

FENCE = 3
_WITHIN = 15.0


class ToldClock:
    """Time that goes on by itself, and by leaps when told."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Give the time of day."""
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        """Give seconds."""
        return self.now().timestamp()

    def leap(self, ahead: timedelta) -> None:
        """Let so much time pass at once."""
        self._ahead += ahead


class ScriptedDevice:
    """Sends everything, but what the script says of a text; `dies_at` is where its host is killed."""

    def __init__(self, bench: OutboxBench, script: dict[str, SendError], dies_at: str | None = None) -> None:
        self._bench = bench
        self._script = script
        self._dies_at = dies_at

    def send_texts(self, texts: Sequence[TextToSend]) -> None:
        """Report what becomes of each, up to the first that fails."""
        for text in texts:
            if text.text == self._dies_at:
                self._bench.sender.cut_off()
                return
            if (error := self._script.pop(text.text, None)) is not None:
                self._bench.sender.outcome(SendFailed(1, text.seq, error))
                return
            self._bench.left(text, f"W{len(self._bench.read)}")
            self._bench.sender.outcome(TextSent(1, text.seq, f"W{len(self._bench.read)}", datetime.now(UTC)))


class OutboxBench:
    """A customer, a table, and a connector's sender; `read` is what the phone of the contact read."""

    def __init__(self, clients: Clients, folder: Path) -> None:
        self.clock = ToldClock()
        self.sessions, self.messages = Sessions(clients), Messages(clients)
        self.outbox, self.chats = Outbox(clients), Chats(clients)
        self.read: list[str] = []
        self.receipts = Receipts()
        self.database = folder / "ada.db"
        with contextlib.closing(sqlite3.connect(self.database)) as created:
            created.execute(
                "CREATE TABLE IF NOT EXISTS whatsmeow_message_secrets (message_id TEXT, key BLOB)"
            )
        self.sessions.create(a_connected_session(fence=FENCE))

    def place(self) -> int:
        """Take a place in the outbox, as a request does first."""
        session = self.sessions.take_place(ADA, backlog_limit=100)
        assert isinstance(session, Session)
        return session.seq

    def put(self, place: int, text: str, to: Jid = BOB, **fields: Any) -> OutboundRef:
        """Store a message in a place, as a request does then."""
        now = self.clock.now()
        times = {"accepted_at": now, "expires_at": now + timedelta(hours=24)}
        self.messages.accept(an_outbound(place, text, to=to, **{**times, **fields}))
        return OutboundRef(place)

    def send(self, text: str, to: Jid = BOB, **fields: Any) -> OutboundRef:
        """Have a message accepted; no nudge."""
        return self.put(self.place(), text, to, **fields)

    def writes(self, chat: Jid) -> None:
        """Let somebody have written to the account."""
        now = self.clock.now()
        ref = InboundRef(int(now.timestamp() * 1000), "3EB0")
        self.messages.store_inbound(Inbound(ADA, ref, chat, chat, Text("hi"), now))

    def left(self, text: TextToSend, wa_id: str) -> None:
        """Let a text leave, with its row in the device's database."""
        self.row(text.secret, wa_id)
        self.read.append(text.text)

    def row(self, secret: bytes, wa_id: str) -> None:
        """Write the row that whatsmeow writes before it sends."""
        with contextlib.closing(sqlite3.connect(self.database)) as opened:
            opened.execute("INSERT INTO whatsmeow_message_secrets VALUES (?, ?)", (wa_id, secret))
            opened.commit()

    @contextlib.asynccontextmanager
    async def serving(
        self,
        *,
        script: dict[str, SendError] | None = None,
        dies_at: str | None = None,
        connected: bool = True,
        fence: int = FENCE,
        new_chats_per_minute: int = 0,
    ) -> AsyncIterator[None]:
        """Serve the session until this is left: then its process is gone, whatever it was doing."""
        session = self.sessions.get(ADA, consistent=True)
        pace = Pace(new_chats_per_minute, self.clock.monotonic(), burst=1)
        lasts, clock = timedelta(hours=24), self.clock
        self.strangers = Strangers(session, self.chats, pace=pace, lasts=lasts, clock=clock)
        async with Ledger(session, self.outbox, self.sessions, fence=fence, clock=clock) as ledger:
            self.intake = Intake(
                session, self.outbox, ledger, strangers=self.strangers, pace=Pace(0, 0), ahead=5, clock=clock
            )
            self.sender = Sender(self.intake, ledger, self.receipts, database=self.database, clock=clock)
            if connected:
                self.connect(ScriptedDevice(self, script or {}, dies_at))
            running = asyncio.create_task(self.sender.run())
            try:
                yield
            finally:
                running.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await running

    def connect(self, device: ScriptedDevice | None = None) -> None:
        """Connect a device."""
        self.sender.connected(cast("HostedDevice", device or ScriptedDevice(self, {})))

    def look(self) -> None:
        """Look into the table, as at a sweep or a nudge."""
        self.intake.read(self.sessions.get(ADA, consistent=True))
        self.sender.nudge()

    async def status(self, ref: OutboundRef, *wanted: OutboundStatus) -> Outbound:
        """Wait until a message has one of these statuses."""
        message = await self.until(lambda: self.find(ref), lambda message: message.status in wanted)
        assert isinstance(message, Outbound)
        return message

    async def backlog(self, number: int) -> None:
        """Wait until the backlog is so long; it never is below nothing."""
        session = await self.until(
            lambda: self.sessions.get(ADA, consistent=True), lambda it: it.backlog <= number
        )
        assert session.backlog == number

    def find(self, ref: OutboundRef) -> Outbound:
        """Give a message as it is stored."""
        message = self.messages.find(ADA, ref, consistent=True)
        assert isinstance(message, Outbound)
        return message

    async def until(self, look: Callable[[], Any], so: Callable[[Any], bool]) -> Any:
        """Look until it is so; give what was seen."""
        deadline = time.monotonic() + _WITHIN
        while not so(seen := await asyncio.to_thread(look)):
            assert time.monotonic() < deadline, f"it stays {seen}"
            await asyncio.sleep(0.02)
        return seen
