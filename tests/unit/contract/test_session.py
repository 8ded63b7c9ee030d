"""The states of a session."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from infra.contract.ids import SessionId
from infra.contract.session import Desired, Session, SessionStatus, may_follow

CONNECTED = Session(
    id=SessionId("shop"),
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    desired=Desired.RUNNING,
    status=SessionStatus.CONNECTED,
    linked=True,
)


@pytest.mark.parametrize("ended", [SessionStatus.LOGGED_OUT, SessionStatus.FAILED, SessionStatus.STOPPED])
def test_a_late_report_does_not_wake_a_session_that_ended(ended: SessionStatus) -> None:
    assert not may_follow(ended, SessionStatus.CONNECTED)
    assert not may_follow(ended, SessionStatus.AWAITING_LINK)
    assert may_follow(ended, SessionStatus.STARTING)


def test_every_status_has_its_moves_and_may_stay() -> None:
    assert all(may_follow(status, status) for status in SessionStatus)
    assert all(
        any(may_follow(now, then) for then in SessionStatus if then is not now) for now in SessionStatus
    )


def test_nothing_goes_back_to_created() -> None:
    others = set(SessionStatus) - {SessionStatus.CREATED}

    assert not any(may_follow(status, SessionStatus.CREATED) for status in others)


@pytest.mark.parametrize(
    "change",
    [
        {"linked": False},
        {"desired": Desired.STOPPED},
        {"status": SessionStatus.LOGGED_OUT},
        {"status": SessionStatus.AWAITING_LINK},
    ],
)
def test_only_a_linked_session_that_is_to_run_takes_messages(change: dict[str, object]) -> None:
    assert CONNECTED.accepts_sends
    assert not msgspec.structs.replace(CONNECTED, **change).accepts_sends


def test_a_session_that_lost_its_connection_still_takes_messages() -> None:
    waiting = msgspec.structs.replace(CONNECTED, status=SessionStatus.DISCONNECTED)

    assert waiting.accepts_sends
