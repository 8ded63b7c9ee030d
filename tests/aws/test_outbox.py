"""The outbox as connectors work it off: in order, each attempt claimed once, never with an older fence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.contract.ids import OutboundRef
from infra.contract.jid import Jid
from infra.contract.message import Outbound, OutboundStatus
from tests.aws.builders import ADA, NOW, an_inbound, an_outbound
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.aws.clients import Clients
    from infra.aws.messages import Messages
    from infra.aws.outbox import Outbox
    from infra.aws.sessions import Sessions

FIRST = OutboundRef(1)


@pytest.fixture
def queued(messages: Messages) -> Outbound:
    """A message that was just accepted."""
    message = an_outbound()
    messages.accept(message)
    return message


def test_what_is_pending_is_read_in_order_above_a_place(messages: Messages, outbox: Outbox) -> None:
    for seq in (11, 2, 10, 1, 9):
        messages.accept(an_outbound(seq))
    messages.store_inbound(an_inbound())

    assert [each.ref.seq for each in outbox.pending(ADA, after=1)] == [2, 9, 10, 11]
    assert [each.ref.seq for each in outbox.pending(ADA, after=1, limit=2)] == [2, 9]


def test_what_is_being_sent_is_pending_and_what_has_left_is_not(messages: Messages, outbox: Outbox) -> None:
    for seq in range(1, 6):
        messages.accept(an_outbound(seq))
    outbox.mark_sending(an_outbound(1), fence=1)
    outbox.mark_sent(ADA, OutboundRef(2), wa_id="3EB0", at=NOW, fence=1)
    outbox.mark_failed(ADA, OutboundRef(3), error="not_on_whatsapp", fence=1)
    messages.cancel(ADA, OutboundRef(4))

    assert [each.ref.seq for each in outbox.pending(ADA, after=0)] == [1, 5]


def test_a_claimed_message_carries_the_fence_and_the_attempt(outbox: Outbox, queued: Outbound) -> None:
    first = outbox.mark_sending(queued, fence=3)
    assert first is not None

    second = outbox.mark_sending(first, fence=4)

    assert (first.status, first.attempts, first.fence) == (OutboundStatus.SENDING, 1, 3)
    assert second is not None
    assert (second.status, second.attempts, second.fence) == (OutboundStatus.SENDING, 2, 4)


def test_one_attempt_is_claimed_by_one_connector_only(outbox: Outbox, queued: Outbound) -> None:
    outbox.mark_sending(queued, fence=3)

    assert outbox.mark_sending(queued, fence=4) is None


def test_an_older_fence_claims_nothing(outbox: Outbox, queued: Outbound) -> None:
    claimed = outbox.mark_sending(queued, fence=3)
    assert claimed is not None

    assert outbox.mark_sending(claimed, fence=2) is None


def test_a_cancelled_message_cannot_be_claimed(messages: Messages, outbox: Outbox, queued: Outbound) -> None:
    messages.cancel(ADA, FIRST)

    assert outbox.mark_sending(queued, fence=1) is None


MARKS: dict[OutboundStatus, Callable[[Outbox, int], Outbound | None]] = {
    OutboundStatus.SENT: lambda outbox, fence: outbox.mark_sent(
        ADA, FIRST, wa_id="3EB0", at=NOW, fence=fence
    ),
    OutboundStatus.FAILED: lambda outbox, fence: outbox.mark_failed(ADA, FIRST, error="e", fence=fence),
    OutboundStatus.EXPIRED: lambda outbox, fence: outbox.mark_expired(ADA, FIRST, fence=fence),
    OutboundStatus.UNKNOWN: lambda outbox, fence: outbox.mark_unknown(ADA, FIRST, wa_id=None, fence=fence),
}


@pytest.mark.parametrize("status", MARKS)
def test_every_end_is_stored_with_its_fence(
    messages: Messages, outbox: Outbox, queued: Outbound, status: OutboundStatus
) -> None:
    outbox.mark_sending(queued, fence=2)

    ended = MARKS[status](outbox, 2)

    assert ended is not None
    assert (ended.status, ended.fence) == (status, 2)
    assert messages.find(ADA, FIRST, consistent=True) == ended


@pytest.mark.parametrize("status", MARKS)
def test_no_end_is_stored_with_an_older_fence(
    messages: Messages, outbox: Outbox, queued: Outbound, status: OutboundStatus
) -> None:
    claimed = outbox.mark_sending(queued, fence=2)

    assert MARKS[status](outbox, 1) is None
    assert messages.find(ADA, FIRST, consistent=True) == claimed


@pytest.mark.parametrize("status", MARKS)
def test_every_end_knows_its_own_success_again(
    outbox: Outbox, queued: Outbound, clients: Clients, status: OutboundStatus
) -> None:
    with first_answer_lost(clients, "UpdateItem"):
        ended = MARKS[status](outbox, 1)

    assert ended is not None
    assert ended.status is status


def test_claiming_knows_its_own_success_again(outbox: Outbox, queued: Outbound, clients: Clients) -> None:
    with first_answer_lost(clients, "UpdateItem"):
        claimed = outbox.mark_sending(queued, fence=1)

    assert claimed is not None
    assert claimed.attempts == 1


def test_an_end_is_an_end(outbox: Outbox, queued: Outbound) -> None:
    outbox.mark_failed(ADA, FIRST, error="e", fence=1)

    assert outbox.mark_sent(ADA, FIRST, wa_id="3EB0", at=NOW, fence=1) is None
    assert outbox.mark_expired(ADA, FIRST, fence=1) is None
    assert outbox.mark_sending(queued, fence=1) is None


@pytest.mark.parametrize("status", MARKS)
def test_what_is_not_there_is_not_made(messages: Messages, outbox: Outbox, status: OutboundStatus) -> None:
    assert MARKS[status](outbox, 1) is None
    assert messages.find(ADA, FIRST) is None


def test_the_outbox_is_read_over_many_pages(sessions: Sessions, messages: Messages, outbox: Outbox) -> None:
    long = "x" * 60_000  # 25 of these are more than the megabyte that one page may have
    for seq in range(1, 26):
        messages.accept(an_outbound(seq, text=long))

    assert len(outbox.pending(ADA, after=0)) == 25


def test_the_chats_written_to_are_those_above_a_place_and_of_the_last_before_it(
    messages: Messages, outbox: Outbox
) -> None:
    chats = [Jid.phone_number(f"1415555010{place}") for place in range(10)]
    for place in range(1, 10):
        messages.accept(an_outbound(place, to=chats[place]))
        if place not in (4, 9):  # still queued, or cancelled: nobody tried to send them
            outbox.mark_sending(an_outbound(place), fence=1)

    written = outbox.written_to(ADA, since=5, and_before=2)

    assert written == {chats[place] for place in (3, 5, 6, 7, 8)}
