"""How a session's messages are sent, and what follows from each outcome; intake and ledger are on paper."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from connector.device_host.protocol import SendError, SendFailed, TextSent, TextToSend
from connector.ledger import Claim
from connector.receipts import Receipts
from connector.sender import Sender
from infra.contract.clock import SystemClock
from infra.contract.message import OnUnknown
from tests.aws.builders import an_outbound

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from connector.hosts import HostedDevice
    from connector.intake import Intake
    from connector.ledger import Ledger
    from infra.contract.ids import OutboundRef
    from infra.contract.message import Outbound

NOW = datetime(2026, 1, 31, tzinfo=UTC)
FENCE = 7


class Notes:
    """An intake and a ledger on paper."""

    patience = None
    pause = 0.0
    ahead = 3

    def __init__(self, claims: Sequence[Claim]) -> None:
        self.open = deque(claims)
        self.written: list[tuple[str, int]] = []
        self.news = asyncio.Event()

    async def claim(self) -> list[Claim]:
        return [self.open.popleft() for _ in range(min(self.ahead, len(self.open)))]

    async def claim_again(self, message: Outbound, *, left_as: Sequence[str] = ()) -> list[Claim]:
        self._write(" ".join(["again", *left_as]), message)
        return [Claim(message, unsent=True)]

    async def still_may_go(self, claims: Sequence[Claim]) -> Sequence[Claim]:
        return claims

    async def sent(self, message: Outbound, *, wa_id: str, at: datetime) -> None:
        assert at == NOW
        self._write(f"sent {wa_id}", message)

    async def failed(self, message: Outbound, error: str) -> None:
        self._write(error, message)

    async def expired(self, ref: OutboundRef) -> None:
        self.written.append(("expired", ref.seq))
        self.news.set()

    async def unknown(self, message: Outbound, *, wa_ids: Sequence[str]) -> None:
        self._write(" ".join(["unknown", *wa_ids]), message)

    async def until(self, number: int) -> list[tuple[str, int]]:
        """Give what is written when it is so much."""
        async with asyncio.timeout(5):
            while len(self.written) < number:
                self.news.clear()
                await self.news.wait()
        return self.written

    def _write(self, what: str, message: Outbound) -> None:
        self.written.append((what, message.ref.seq))
        self.news.set()


class Device:
    """A device that answers by a script: what becomes of a place, once; everything else is sent."""

    def __init__(self, sender: Sender, **script: SendError) -> None:
        self._sender = sender
        self._script = {int(place[1:]): error for place, error in script.items()}

    def send_texts(self, texts: Sequence[TextToSend]) -> None:
        for text in texts:
            error = self._script.pop(text.seq, None)
            if error is not None:
                self._sender.outcome(SendFailed(1, text.seq, error))
                return
            self._sender.outcome(TextSent(1, text.seq, f"W{text.seq}", NOW))


class DeadDevice:
    """A device whose host dies as soon as it hears of a text."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.heard = asyncio.Event()

    def send_texts(self, texts: Sequence[TextToSend]) -> None:
        assert texts
        self._sender.cut_off()
        self.heard.set()


class Bench:
    """A sender and all around it."""

    def __init__(self, database: Path, claims: Sequence[Claim]) -> None:
        self.notes = Notes(claims)
        self.receipts = Receipts()
        self.sender = Sender(
            cast("Intake", self.notes),
            cast("Ledger", self.notes),
            self.receipts,
            database=database,
            clock=SystemClock(),
        )

    def connect(self, device: object) -> None:
        self.sender.connected(cast("HostedDevice", device))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Notes]:
        task = asyncio.create_task(self.sender.run())
        try:
            yield self.notes
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A device's database in which nothing was sent yet."""
    path = tmp_path / "ada.db"
    with contextlib.closing(sqlite3.connect(path)) as created:
        created.execute("CREATE TABLE whatsmeow_message_secrets (message_id TEXT, key BLOB)")
    return path


def left(database: Path, message: Outbound, wa_id: str) -> None:
    """Let it look as if whatsmeow had begun to send a message."""
    with contextlib.closing(sqlite3.connect(database)) as opened:
        opened.execute("INSERT INTO whatsmeow_message_secrets VALUES (?, ?)", (wa_id, message.secret))
        opened.commit()


def a_message(place: int, **fields: Any) -> Outbound:
    usual = {"fence": FENCE, "expires_at": datetime.now(UTC) + timedelta(hours=1)}
    return an_outbound(place, **{**usual, **fields})


def claims(*places: int, unsent: bool = True, **fields: Any) -> list[Claim]:
    return [Claim(a_message(place, **fields), unsent) for place in places]


async def test_messages_are_sent_in_order(database: Path) -> None:
    bench = Bench(database, claims(1, 2, 3, 4, 5, 6, 7))
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(7)

    assert written == [(f"sent W{place}", place) for place in range(1, 8)]


async def test_nothing_overtakes_a_message_that_has_to_be_tried_again(database: Path) -> None:
    bench = Bench(database, claims(1, 2, 3, 4))
    bench.connect(Device(bench.sender, _2=SendError.NOT_CONNECTED))

    async with bench.running() as notes:
        written = await notes.until(4)

    assert [place for _, place in written] == [1, 2, 3, 4]


async def test_a_message_that_cannot_be_sent_holds_up_nobody(database: Path) -> None:
    bench = Bench(database, claims(1, 2, 3))
    bench.connect(Device(bench.sender, _2=SendError.NOT_ON_WHATSAPP))

    async with bench.running() as notes:
        written = await notes.until(3)

    assert written == [("sent W1", 1), ("not_on_whatsapp", 2), ("sent W3", 3)]


async def test_an_expired_message_is_not_sent(database: Path) -> None:
    late = Claim(an_outbound(1, expires_at=NOW), unsent=True)
    bench = Bench(database, [late, *claims(2)])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(2)

    assert written == [("expired", 1), ("sent W2", 2)]


async def test_what_was_cut_off_before_it_left_is_sent_again(database: Path) -> None:
    bench = Bench(database, claims(1, 2))
    dead = DeadDevice(bench.sender)
    bench.connect(dead)

    async with bench.running() as notes:
        await asyncio.wait_for(dead.heard.wait(), 5)
        bench.connect(Device(bench.sender))
        written = await notes.until(4)

    assert [what for what, _ in written if what == "again"] == ["again", "again"]
    assert [place for what, place in written if what.startswith("sent")] == [1, 2]


async def test_what_was_cut_off_after_it_left_is_settled_by_its_receipt(database: Path) -> None:
    [claim] = claims(1, unsent=False)
    left(database, claim.message, "3EB0")
    bench = Bench(database, [claim])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        bench.receipts.saw(["3EB0"], NOW)
        written = await notes.until(1)

    assert written == [("sent 3EB0", 1)]


async def test_what_may_have_left_and_has_no_receipt_is_unknown_and_not_doubled(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sender._DOUBT_SECONDS", 0)
    [claim] = claims(1, unsent=False)
    left(database, claim.message, "3EB0")
    bench = Bench(database, [claim, *claims(2)])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(2)

    assert written == [("unknown 3EB0", 1), ("sent W2", 2)]


async def test_what_another_began_is_unknown_when_its_database_is_not_ours(database: Path) -> None:
    bench = Bench(database, claims(1, unsent=False, fence=FENCE - 1))
    bench.sender.known_since = FENCE
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(1)

    assert written == [("unknown", 1)]


async def test_a_send_whose_answer_never_came_is_looked_up(database: Path) -> None:
    [claim] = claims(1)
    left(database, claim.message, "3EB0")
    bench = Bench(database, [claim])
    bench.receipts.saw(["3EB0"], NOW)
    bench.connect(Device(bench.sender, _1=SendError.MAY_HAVE_LEFT))

    async with bench.running() as notes:
        written = await notes.until(1)

    assert written == [("sent 3EB0", 1)]


async def test_what_may_have_left_is_sent_again_where_that_was_wanted(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sender._DOUBT_SECONDS", 0)
    [claim] = claims(1, unsent=False, on_unknown=OnUnknown.RESEND)
    left(database, claim.message, "3EB0")
    bench = Bench(database, [claim])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(2)

    assert written == [("again 3EB0", 1), ("sent W1", 1)]


async def test_what_may_have_left_is_not_sent_again_when_its_time_is_over(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sender._DOUBT_SECONDS", 0)
    [claim] = claims(1, unsent=False, on_unknown=OnUnknown.RESEND, expires_at=NOW)
    left(database, claim.message, "3EB0")
    bench = Bench(database, [claim])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        written = await notes.until(1)

    assert written == [("unknown 3EB0", 1)]


async def test_a_receipt_for_any_attempt_settles_a_message(database: Path) -> None:
    [claim] = claims(1, unsent=False, on_unknown=OnUnknown.RESEND)
    for wa_id in ("3EB0A", "3EB0B"):
        left(database, claim.message, wa_id)
    bench = Bench(database, [claim])
    bench.connect(Device(bench.sender))

    async with bench.running() as notes:
        bench.receipts.saw(["3EB0A"], NOW)
        written = await notes.until(1)

    assert written == [("sent 3EB0A", 1)]
