"""Sessions in the table: created once, wanted, reported with a fence, listed, deleted with all of theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.aws.blobs import Blob, Blobs
from infra.aws.calls import Calls
from infra.aws.messages import Idempotency
from infra.aws.pages import BadCursorError
from infra.aws.sessions import SessionMissingError
from infra.aws.table import Table
from infra.contract import keys
from infra.contract.calls import Call, LogoutWanted
from infra.contract.ids import SessionId
from infra.contract.session import Desired, DisconnectReason, LinkOffer, Report, Restriction, SessionStatus
from tests.aws.builders import ADA, NOW, a_connected_session, a_session, an_inbound, an_outbound
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients
    from infra.aws.messages import Messages
    from infra.aws.sessions import Sessions


def test_a_session_is_read_as_it_was_created(sessions: Sessions) -> None:
    session = a_session(
        name="Ada's shop",
        metadata={"plan": "big"},
        reason=DisconnectReason.NETWORK,
        disconnected_at=NOW,
        link_offer=LinkOffer("2@abc", NOW + timedelta(seconds=20)),
        phone_number="14155550100",
    )

    sessions.create(session)

    assert sessions.get(ADA) == session


def test_creating_refuses_to_overwrite(sessions: Sessions) -> None:
    sessions.create(a_session(name="first"))

    assert not sessions.create(a_session(name="second"))
    assert sessions.get(ADA).name == "first"


def test_creating_knows_its_own_success_again(sessions: Sessions, clients: Clients) -> None:
    with first_answer_lost(clients, "PutItem"):
        created = sessions.create(a_session())

    assert created


def test_ids_differ_by_case(sessions: Sessions) -> None:
    sessions.create(a_session("Ada"))

    assert sessions.find(SessionId("ada")) is None
    with pytest.raises(SessionMissingError):
        sessions.get(SessionId("ada"))


def test_sessions_are_listed_by_id_in_pages(sessions: Sessions) -> None:
    for name in ("b", "d", "a", "c", "e"):
        sessions.create(a_session(name))

    first = sessions.list(limit=2)
    second = sessions.list(limit=2, cursor=first.cursor)
    third = sessions.list(limit=2, cursor=second.cursor)

    assert [[each.id for each in page.items] for page in (first, second, third)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert third.cursor is None


def test_a_page_that_is_just_full_and_the_last_has_no_cursor(sessions: Sessions) -> None:
    sessions.create(a_session("a"))
    sessions.create(a_session("b"))

    assert sessions.list(limit=2).cursor is None


def test_a_listing_by_status_leaves_out_the_others(sessions: Sessions) -> None:
    sessions.create(a_session("a"))
    sessions.create(a_connected_session("b"))

    page = sessions.list(status=SessionStatus.CONNECTED)

    assert [each.id for each in page.items] == ["b"]


@pytest.mark.parametrize("cursor", ["nonsense!", "WyJhIiwiYiJd", "e30", "ä", "WyIiXQ", "WyJcdWQ4MDAiXQ"])
def test_a_cursor_from_elsewhere_is_refused(sessions: Sessions, cursor: str) -> None:
    with pytest.raises(BadCursorError):
        sessions.list(cursor=cursor)


def test_patching_changes_what_is_named_only(sessions: Sessions) -> None:
    sessions.create(a_session(name="old", metadata={"a": "1"}))

    renamed = sessions.patch(ADA, name=None)
    described = sessions.patch(ADA, metadata={"b": "2"})

    assert renamed is not None
    assert (renamed.name, renamed.metadata) == (None, {"a": "1"})
    assert described is not None
    assert described.metadata == {"b": "2"}
    assert sessions.patch(ADA) == described
    assert sessions.patch(SessionId("nobody"), name="x") is None


def test_a_start_places_the_session_on_the_shard_with_fewest(sessions: Sessions) -> None:
    for name in ("a", "b", "c", "d"):
        sessions.create(a_session(name))

    started = [sessions.want(SessionId(name), Desired.RUNNING) for name in ("a", "b", "c", "d")]

    shards = [session.shard for session in started if session and session.shard is not None]
    assert sorted(shards[:2]) == [0, 1]
    assert sorted(shards[2:]) == [0, 1]
    assert sessions.of_shard(0) | sessions.of_shard(1) == {"a", "b", "c", "d"}


def test_a_start_resets_the_attempts_and_leaves_a_running_session_alone(sessions: Sessions) -> None:
    sessions.create(a_connected_session("up"))
    sessions.create(
        a_connected_session(
            "down", status=SessionStatus.DISCONNECTED, reconnect_attempts=7, retry_at=NOW + timedelta(hours=1)
        )
    )

    up = sessions.want(SessionId("up"), Desired.RUNNING)
    down = sessions.want(SessionId("down"), Desired.RUNNING)

    assert up is not None
    assert up.status is SessionStatus.CONNECTED
    assert down is not None
    assert (down.status, down.reconnect_attempts, down.retry_at) == (SessionStatus.STARTING, 0, None)


def test_a_stop_takes_the_session_out_of_its_shard_and_a_start_brings_it_back_there(
    sessions: Sessions,
) -> None:
    sessions.create(a_session())
    started = sessions.want(ADA, Desired.RUNNING)
    assert started is not None
    assert started.shard is not None

    stopped = sessions.want(ADA, Desired.STOPPED)
    listed_while_stopped = sessions.of_shard(started.shard)
    again = sessions.want(ADA, Desired.RUNNING)

    assert stopped is not None
    assert (stopped.status, stopped.desired) == (SessionStatus.STOPPED, Desired.STOPPED)
    assert listed_while_stopped == set()
    assert again is not None
    assert again.shard == started.shard
    assert sessions.of_shard(started.shard) == {ADA}


def test_a_session_whose_shard_is_gone_is_placed_anew_and_its_fence_begins_anew(sessions: Sessions) -> None:
    sessions.create(a_session(shard=9, fence=30))

    started = sessions.want(ADA, Desired.RUNNING)

    assert started is not None
    assert started.shard in {0, 1}
    assert started.fence == 0


def test_nobody_can_be_neither_started_nor_stopped(sessions: Sessions) -> None:
    assert sessions.want(ADA, Desired.RUNNING) is None
    assert sessions.want(ADA, Desired.STOPPED) is None
    assert sessions.find(ADA) is None


def test_a_report_stores_what_it_tells_and_no_more(sessions: Sessions) -> None:
    offer = LinkOffer("2@abc", NOW)
    sessions.create(
        a_connected_session(status=SessionStatus.AWAITING_LINK, link_offer=offer, push_name="Ada")
    )

    stored = sessions.report(
        ADA, Report(status=SessionStatus.CONNECTED, link_offer=None, phone_number="14155550100"), fence=3
    )

    assert stored is not None
    assert stored == sessions.get(ADA, consistent=True)
    assert (stored.status, stored.link_offer, stored.fence) == (SessionStatus.CONNECTED, None, 3)
    assert (stored.phone_number, stored.push_name) == ("14155550100", "Ada")


def test_a_report_with_an_older_fence_is_refused(sessions: Sessions) -> None:
    sessions.create(a_connected_session())
    sessions.report(ADA, Report(status=SessionStatus.CONNECTED), fence=4)

    stale = sessions.report(ADA, Report(status=SessionStatus.DISCONNECTED), fence=3)

    assert stale is None
    assert sessions.get(ADA).status is SessionStatus.CONNECTED


def test_a_late_report_does_not_undo_a_stop(sessions: Sessions) -> None:
    sessions.create(a_connected_session())
    sessions.want(ADA, Desired.STOPPED)

    for late in (SessionStatus.STARTING, SessionStatus.CONNECTED, SessionStatus.DISCONNECTED):
        assert sessions.report(ADA, Report(status=late), fence=1) is None

    assert sessions.report(ADA, Report(status=SessionStatus.STOPPED), fence=1) is not None


def test_a_report_about_a_deleted_session_does_not_bring_it_back(sessions: Sessions) -> None:
    assert sessions.report(ADA, Report(status=SessionStatus.CONNECTED), fence=1) is None
    assert sessions.find(ADA) is None


def test_deleting_leaves_nothing_of_the_session_and_all_of_the_others(
    sessions: Sessions, messages: Messages, clients: Clients
) -> None:
    sessions.create(a_connected_session())
    sessions.create(a_connected_session("Ada2"))
    for seq in range(1, 31):
        messages.accept(an_outbound(seq))
    messages.accept(an_outbound(31), Idempotency("key", "hash"))
    messages.store_inbound(an_inbound())
    Calls(clients).ask(Call(ADA, "c1", LogoutWanted(), NOW, NOW))
    Blobs(clients).save(ADA, Blob(content=b"keys", fence=1, saved_at=NOW), etag=None)

    sessions.delete(ADA)
    sessions.delete(ADA)

    rest = Table(clients).query("#pk = :pk", {"pk": keys.session(ADA).pk}, consistent=True)
    assert list(rest) == []
    assert Blobs(clients).load(ADA) is None
    assert [each.id for each in sessions.list().items] == ["Ada2"]


def test_a_restriction_stands_until_the_session_is_started(sessions: Sessions) -> None:
    sessions.create(a_connected_session(fence=2))
    restriction = Restriction("reach_out_restricted", NOW, NOW)

    by_older = sessions.restrict(ADA, restriction, fence=1)
    restricted = sessions.restrict(ADA, restriction, fence=2)
    started = sessions.want(ADA, Desired.RUNNING)

    assert by_older is None
    assert restricted is not None
    assert restricted.restriction == restriction
    assert started is not None
    assert (started.restriction, started.status) == (None, SessionStatus.CONNECTED)
