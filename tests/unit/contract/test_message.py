"""The order of a sent message's states: forward only, and an end is an end."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from infra.contract.message import PENDING, RECEIPTS, OutboundStatus, may_advance, statuses_before

statuses = st.sampled_from(OutboundStatus)
ENDS = {OutboundStatus.FAILED, OutboundStatus.EXPIRED, OutboundStatus.CANCELLED}


@given(st.lists(statuses, max_size=30))
def test_no_sequence_of_reports_brings_a_message_back_to_a_status_it_left(
    reports: list[OutboundStatus],
) -> None:
    status, seen = OutboundStatus.QUEUED, [OutboundStatus.QUEUED]

    for reported in reports:
        if may_advance(status, reported):
            status = reported
            seen.append(status)

    assert len(set(seen)) == len(seen)


def test_receipts_may_skip_steps_but_never_go_back() -> None:
    assert may_advance(OutboundStatus.SENT, OutboundStatus.READ)
    assert not may_advance(OutboundStatus.READ, OutboundStatus.DELIVERED)


def test_what_ended_badly_stays_ended() -> None:
    assert not any(may_advance(end, then) for end, then in product(ENDS, OutboundStatus))


def test_a_receipt_settles_what_was_unknown() -> None:
    settled = {then for then in OutboundStatus if may_advance(OutboundStatus.UNKNOWN, then)}

    assert settled == RECEIPTS


def test_only_what_is_still_in_the_outbox_can_fail() -> None:
    assert set(statuses_before(OutboundStatus.FAILED)) == PENDING


@given(statuses, statuses)
def test_the_statuses_before_are_those_that_may_advance(now: OutboundStatus, then: OutboundStatus) -> None:
    assert (now in statuses_before(then)) == may_advance(now, then)
