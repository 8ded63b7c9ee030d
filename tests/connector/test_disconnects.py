"""The disconnect policy: the table, what it says to people, and what it does on the sandbox's faults."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from connector.reporter import Reporter
from connector.verdicts import POLICY, Next, once_replaced
from infra.aws.sessions import Sessions
from infra.contract.calls import PairingCodeWanted, Refused
from infra.contract.session import (
    Desired,
    DisconnectReason,
    Report,
    Session,
    SessionEvent,
    SessionStatus,
    may_follow,
)
from tests.aws.builders import a_connected_session
from tests.connector.conftest import Connector, linked
from tests.sandbox.conftest import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.settings import Settings
    from connector.verdicts import Verdict
    from infra.aws.clients import Clients
    from tests.connector.customer import Customer
    from tests.sandbox.conftest import Control

    NewConnector = Callable[[], Connector]

PAGE = Path(__file__).parents[2] / "docs/disconnects.md"
DONE = {
    Next.WAIT: "waits",
    Next.START_AGAIN: "starts again",
    Next.START_SOON: "starts soon",
    Next.GIVE_UP: "gives up",
    Next.FORGET: "forgets the device",
}

NOT_BEFORE = {"banned": ", not before the ban is over", "replaced": ", not before a lease duration is over"}


def documented(cause: str, verdict: Verdict) -> str:
    """Write a row of the page."""
    done = DONE[verdict.next] + NOT_BEFORE.get(cause, "")
    alarm = ", an alarm" if verdict.level == logging.ERROR else ""
    return f"| `{cause}` | `{verdict.status}` | `{verdict.reason}` | {done} | `{verdict.event}`{alarm} |"


def test_the_page_shows_the_table() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]

    assert sorted(rows) == sorted(documented(cause, verdict) for cause, verdict in POLICY.items())


@pytest.mark.parametrize("cause", POLICY)
def test_every_verdict_may_follow_a_connection(cause: str) -> None:
    assert may_follow(SessionStatus.CONNECTED, POLICY[cause].status)


@pytest.mark.parametrize("cause", POLICY)
def test_what_is_shown_tells_whether_it_comes_back_by_itself(cause: str) -> None:
    verdict = POLICY[cause]

    comes_back = verdict.next not in (Next.GIVE_UP, Next.FORGET)
    assert (verdict.status is SessionStatus.DISCONNECTED) is comes_back


def events(log: pytest.LogCaptureFixture) -> list[tuple[str, int]]:
    """Give the session's events so far, with their levels."""
    names = set(SessionEvent)
    return [(record.getMessage(), record.levelno) for record in log.records if record.getMessage() in names]


@pytest.mark.parametrize(
    ("fault", "cause"),
    [("client-outdated", "outdated"), ("logged-out", "logged_out")],
)
async def test_a_session_that_is_sent_away_stays_away_and_says_why(
    new_connector: NewConnector,
    customer: Customer,
    control: Control,
    caplog: pytest.LogCaptureFixture,
    *,
    fault: str,
    cause: str,
) -> None:
    caplog.set_level(logging.INFO)
    verdict = POLICY[cause]
    async with new_connector():
        await linked(customer, control, ADA)

        await control.fault(fault)
        session = await customer.status(verdict.status)
        await control.stats_when(lambda stats: stats["connections"] == 0)

    assert (session.reason, session.retry_at) == (verdict.reason, None)
    assert events(caplog)[-1] == (verdict.event, verdict.level)
    assert customer.session().status is verdict.status


async def test_a_session_that_is_replaced_comes_back_once_and_then_waits_for_its_customer(
    connector_settings: Settings,
    new_connector: NewConnector,
    customer: Customer,
    control: Control,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with new_connector():
        await linked(customer, control, ADA)

        await control.fault("replaced")
        once = await customer.session_when(lambda session: session.retry_at)
        await customer.status(SessionStatus.CONNECTED)
        await control.fault("replaced")
        again = await customer.status(SessionStatus.FAILED)
        await control.stats_when(lambda stats: stats["connections"] == 0)
        customer.want(Desired.RUNNING)
        await customer.status(SessionStatus.CONNECTED)

    told = [event for event in events(caplog) if event[0] == SessionEvent.REPLACED]
    assert once.retry_at is not None
    assert once.disconnected_at is not None
    assert once.retry_at - once.disconnected_at >= connector_settings.lease_duration
    assert (once.status, once.reason) == (SessionStatus.DISCONNECTED, DisconnectReason.STREAM_REPLACED)
    assert (again.reason, again.retry_at) == (DisconnectReason.STREAM_REPLACED, None)
    assert told == [(SessionEvent.REPLACED, logging.WARNING), (SessionEvent.REPLACED, logging.ERROR)]


async def test_what_a_successors_socket_does_to_ours_is_no_news(
    new_connector: NewConnector, customer: Customer, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with new_connector():
        await linked(customer, control, ADA)
        fence = customer.session().fence + 1
        told = customer.sessions.report(customer.id, Report(status=SessionStatus.CONNECTING), fence=fence)
        assert told is not None

        await control.fault("replaced")
        await control.stats_when(lambda stats: stats["connections"] == 0)

    session = customer.session()
    assert "session_superseded" in [record.getMessage() for record in caplog.records]
    assert (session.status, session.reason, session.fence) == (SessionStatus.CONNECTING, None, fence)
    assert SessionEvent.REPLACED not in [event for event, _ in events(caplog)]


@pytest.mark.parametrize(
    ("seconds", "gives_up"), [(None, False), (0, True), (69.9, True), (70, False), (3600, False)]
)
def test_only_who_is_replaced_again_soon_after_it_came_back_gives_up(
    seconds: float | None, *, gives_up: bool
) -> None:
    now, lease_duration = datetime.now(UTC), timedelta(seconds=10)
    before = None if seconds is None else now - timedelta(seconds=seconds)

    verdict = once_replaced(before, now, lease_duration=lease_duration)

    once = POLICY["replaced"]._replace(pause=lease_duration)
    assert verdict == (POLICY["replaced_again"] if gives_up else once)


@pytest.mark.parametrize(("fence", "remembers"), [(4, True), (5, False)])
def test_a_replacement_under_a_former_lease_is_forgotten(
    clients: Clients, fence: int, *, remembers: bool
) -> None:
    now = datetime.now(UTC)
    session = a_connected_session(fence=4, reason=DisconnectReason.STREAM_REPLACED, disconnected_at=now)

    reporter = Reporter(session, Sessions(clients), fence=fence)

    assert reporter.replaced_at == (now if remembers else None)


async def test_a_connection_that_breaks_is_said_and_comes_back(
    new_connector: NewConnector, customer: Customer, control: Control, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with new_connector():
        await linked(customer, control, ADA)

        await control.fault("close")
        await customer.session_when(lambda session: session.reason is DisconnectReason.NETWORK)
        await customer.status(SessionStatus.CONNECTED)

    verdict = POLICY["network"]
    assert events(caplog)[-2:] == [(verdict.event, verdict.level), (SessionEvent.CONNECTED, logging.INFO)]


async def test_a_device_that_owes_an_answer_for_too_long_is_started_anew(
    new_connector: NewConnector, customer: Customer, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.device_run._SEND_SECONDS", 0.5)
    monkeypatch.setattr("connector.device_run._LOOK_SECONDS", 0.1)
    await control.fault("slow-ack", seconds=60)
    async with new_connector():
        await linked(customer, control, ADA)
        message = customer.send("are you there?", BOB)
        session = await customer.session_when(lambda session: session.reason)
        await control.http.delete("/faults")
        await customer.sent(message)

    assert session.reason is DisconnectReason.UNREACHABLE
    assert [each["text"] for each in await control.received(BOB)] == ["are you there?"]


async def test_a_ban_is_waited_out_by_a_successor_too_and_ended_by_a_start(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
        await control.fault("temporary-ban", seconds=600)
        banned = await customer.session_when(lambda session: session.retry_at)
    connections = (await control.get("/stats"))["connections_total"]

    async with new_connector():
        await customer.session_when(lambda session: session.status is SessionStatus.DISCONNECTED)
        await connector_looked(customer)
        waiting = customer.session()
        tried = (await control.get("/stats"))["connections_total"] - connections
        await control.http.delete("/faults")
        customer.want(Desired.RUNNING)
        back = await customer.status(SessionStatus.CONNECTED)

    assert (banned.status, banned.reason) == (
        SessionStatus.DISCONNECTED,
        DisconnectReason.TEMPORARILY_BANNED,
    )
    assert in_minutes(banned) == pytest.approx(10, abs=1)
    assert (waiting.status, waiting.retry_at, tried) == (banned.status, banned.retry_at, 0)
    assert (back.reconnect_attempts, back.retry_at) == (0, None)


async def test_attempts_are_counted_on_by_a_successor(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    await control.fault("offline", None, seconds=60)
    async with new_connector():
        customer.create()
        before = await customer.session_when(lambda session: session.reconnect_attempts >= 2)

    async with new_connector():
        after = await customer.session_when(
            lambda session: session.reconnect_attempts > before.reconnect_attempts
        )

    assert after.reason is DisconnectReason.UNREACHABLE
    assert after.retry_at is not None


async def test_a_damaged_blob_fails_its_session_and_says_why(
    new_connector: NewConnector, customer: Customer, control: Control, tmp_path: Path
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
    empty_folder(tmp_path / "devices")
    damage_blob(customer)

    async with new_connector():
        session = await customer.status(SessionStatus.FAILED)

    assert (session.reason, session.linked) == (DisconnectReason.KEYS_UNREADABLE, True)


async def test_a_blob_that_is_gone_fails_its_session_which_can_be_linked_again(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
    customer.blobs.delete(customer.id)

    async with new_connector():
        session = await customer.status(SessionStatus.FAILED)
        customer.want(Desired.RUNNING)
        await customer.status(SessionStatus.AWAITING_LINK)

    assert (session.reason, session.linked) == (DisconnectReason.KEYS_MISSING, False)


async def connector_looked(customer: Customer) -> None:
    """Wait until a connector has read what is asked of the session: it answers calls while it waits."""
    answer = await customer.ask(PairingCodeWanted(BOB))
    assert isinstance(answer, Refused)


def in_minutes(session: Session) -> float:
    """Give how long it is until the session is tried again."""
    assert session.retry_at is not None
    return (session.retry_at - datetime.now(UTC)) / timedelta(minutes=1)


def empty_folder(folder: Path) -> None:
    """Lose what a connector has on its disk."""
    for file in folder.iterdir():
        file.unlink()


def damage_blob(customer: Customer) -> None:
    """Store half of a session's auth blob in its place."""
    saved = customer.blobs.load(customer.id)
    assert saved is not None
    half = msgspec.structs.replace(saved.blob, content=saved.blob.content[: len(saved.blob.content) // 2])
    customer.blobs.save(customer.id, half, etag=saved.etag)
