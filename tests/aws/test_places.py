"""Places in the outbox: given once each, to sessions that may send, while the backlog is below its limit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.sessions import NoPlace, Sessions
from infra.contract.session import Desired, Session, SessionStatus
from tests.aws.builders import ADA, a_connected_session
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients


def test_places_are_given_in_order_and_counted(sessions: Sessions) -> None:
    sessions.create(a_connected_session())

    taken = [sessions.take_place(ADA, backlog_limit=10) for _ in range(3)]

    assert [(each.seq, each.backlog) for each in taken if isinstance(each, Session)] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]


def test_no_place_is_given_twice_from_parallel_requests(embedded: Clients) -> None:
    sessions = Sessions(embedded)
    sessions.create(a_connected_session())

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: sessions.take_place(ADA, backlog_limit=100), range(40)))

    assert sorted(each.seq for each in taken if isinstance(each, Session)) == list(range(1, 41))


@pytest.mark.parametrize(
    "fields",
    [
        {"linked": False},
        {"desired": Desired.STOPPED},
        {"status": SessionStatus.AWAITING_LINK},
        {"status": SessionStatus.LOGGED_OUT},
        {"status": SessionStatus.STOPPED},
        {"backlog": 5},
        {"backlog": 6},
    ],
)
def test_a_session_that_may_not_send_gets_no_place_and_says_why(
    sessions: Sessions, fields: dict[str, Any]
) -> None:
    session = a_connected_session(**fields)
    sessions.create(session)

    assert sessions.take_place(ADA, backlog_limit=5) == NoPlace(session)
    assert sessions.get(ADA).seq == 0


def test_a_session_that_does_not_exist_gets_no_place(sessions: Sessions) -> None:
    assert sessions.take_place(ADA, backlog_limit=5) == NoPlace(None)
    assert sessions.find(ADA) is None


def test_a_disconnected_session_takes_messages_into_its_outbox(sessions: Sessions) -> None:
    sessions.create(a_connected_session(status=SessionStatus.DISCONNECTED))

    assert isinstance(sessions.take_place(ADA, backlog_limit=5), Session)


def test_the_watermark_takes_places_off_the_backlog_once(sessions: Sessions) -> None:
    sessions.create(a_connected_session(seq=10, backlog=10))

    moved = sessions.move_watermark(ADA, since=0, up_to=4, fence=1)
    by_another = sessions.move_watermark(ADA, since=2, up_to=6, fence=1)

    assert moved
    assert not by_another
    stored = sessions.get(ADA)
    assert (stored.done_seq, stored.backlog) == (4, 6)


def test_the_watermark_knows_its_own_success_again(sessions: Sessions, clients: Clients) -> None:
    sessions.create(a_connected_session(seq=10, backlog=10))

    with first_answer_lost(clients, "UpdateItem"):
        moved = sessions.move_watermark(ADA, since=0, up_to=4, fence=1)

    assert moved
    assert sessions.get(ADA).backlog == 6


def test_an_older_fence_does_not_move_the_watermark(sessions: Sessions) -> None:
    sessions.create(a_connected_session(seq=10, backlog=10, fence=2))

    assert not sessions.move_watermark(ADA, since=0, up_to=4, fence=1)
    assert sessions.get(ADA).done_seq == 0


def test_a_place_that_is_given_when_the_answer_was_lost_leaves_one_empty(
    sessions: Sessions, clients: Clients
) -> None:
    sessions.create(a_connected_session())

    with first_answer_lost(clients, "UpdateItem"):
        taken = sessions.take_place(ADA, backlog_limit=5)

    assert isinstance(taken, Session)
    assert (taken.seq, taken.backlog) == (2, 2)
