"""Messages in the table: listed newest first, received once, cancelled in time, advanced by receipts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.aws.pages import BadCursorError, write_cursor
from infra.contract.ids import OutboundRef, SessionId
from infra.contract.message import Inbound, Message, Outbound, OutboundStatus, Unsupported
from tests.aws.builders import ADA, BOB, CYD, NOW, an_inbound, an_outbound
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients
    from infra.aws.messages import Messages
    from infra.aws.outbox import Outbox
    from infra.contract.jid import Jid

FIRST = OutboundRef(1)


def test_a_received_message_is_read_as_it_was(messages: Messages) -> None:
    message = an_inbound(
        content=Unsupported("pollCreationMessage"),
        sender=CYD.with_device(3),
        sender_number="14155550102",
        push_name="Cyd",
        from_me=True,
    )

    messages.store_inbound(message)

    assert messages.find(ADA, message.ref) == message


def test_a_message_that_is_received_twice_is_stored_once(messages: Messages) -> None:
    message = an_inbound()

    assert messages.store_inbound(message)
    assert not messages.store_inbound(message)


@pytest.mark.parametrize("seconds", [-3600, -1, 0, 5, 80_000])
def test_a_message_is_known_by_its_id_though_its_time_is_another(messages: Messages, seconds: float) -> None:
    messages.store_inbound(an_inbound("3EB0"))

    around = NOW + timedelta(seconds=seconds)

    assert messages.has_received(ADA, BOB, "3EB0", around=around)
    assert not messages.has_received(ADA, BOB, "EB0", around=around)
    assert not messages.has_received(ADA, CYD, "3EB0", around=around)
    assert not messages.has_received(ADA, BOB, "3EB0", around=around + timedelta(days=3))


def test_both_directions_are_listed_newest_first_in_pages(messages: Messages) -> None:
    for seq in (1, 3, 5, 6, 7):
        messages.accept(an_outbound(seq))
    for seconds in (2, 4, 8):
        messages.store_inbound(an_inbound(seconds=seconds))

    pages = _all_pages(messages, limit=3)

    assert [[_seconds(message) for message in page] for page in pages] == [[8, 7, 6], [5, 4, 3], [2, 1]]


@pytest.mark.parametrize("limit", [1, 2, 4, 8, 9])
def test_every_size_of_page_shows_every_message_once(messages: Messages, limit: int) -> None:
    for seq in (1, 2, 3, 8):
        messages.accept(an_outbound(seq))
    for seconds in (4, 5, 6, 7):
        messages.store_inbound(an_inbound(seconds=seconds))

    pages = _all_pages(messages, limit=limit)

    assert [_seconds(message) for page in pages for message in page] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert all(pages)


def test_a_chat_is_listed_in_both_directions_and_without_the_others(messages: Messages) -> None:
    messages.accept(an_outbound(1))
    messages.accept(an_outbound(2, to=CYD))
    messages.store_inbound(an_inbound(seconds=3))
    messages.store_inbound(an_inbound(seconds=4, chat=CYD))
    messages.accept(an_outbound(5))

    pages = _all_pages(messages, limit=2, chat=BOB)

    assert [[_seconds(message) for message in page] for page in pages] == [[5, 3], [1]]


def test_other_sessions_messages_are_not_listed(messages: Messages) -> None:
    messages.accept(an_outbound(session_id=SessionId("Ada2")))
    messages.accept(an_outbound(session_id=SessionId("Ad")))

    assert messages.list(ADA).items == []
    assert messages.list(ADA, chat=BOB).items == []


@pytest.mark.parametrize("position", [["OUT#1"], ["A", "B"], ["IN#1", "OUT#1"], ["OUT#1", ""]])
def test_a_cursor_of_another_listing_is_refused(messages: Messages, position: list[str]) -> None:
    with pytest.raises(BadCursorError):
        messages.list(ADA, cursor=write_cursor(position))


def test_a_queued_message_is_cancelled_once(messages: Messages) -> None:
    messages.accept(an_outbound())

    cancelled = messages.cancel(ADA, FIRST)
    again = messages.cancel(ADA, FIRST)

    assert cancelled is not None
    assert cancelled.status is OutboundStatus.CANCELLED
    assert again == cancelled


def test_what_is_being_sent_cannot_be_cancelled(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    sending = outbox.mark_sending(an_outbound(), fence=1)

    assert messages.cancel(ADA, FIRST) is None
    assert messages.find(ADA, FIRST) == sending


def test_what_is_not_there_cannot_be_cancelled(messages: Messages) -> None:
    assert messages.cancel(ADA, FIRST) is None
    assert messages.find(ADA, FIRST) is None


def test_a_receipt_finds_its_message_by_whatsapps_id(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    before = messages.find_ref(ADA, "3EB0")
    outbox.mark_sent(ADA, FIRST, wa_id="3EB0", at=NOW, fence=1)

    assert before is None
    assert messages.find_ref(ADA, "3EB0") == FIRST
    assert messages.find_ref(SessionId("Ada2"), "3EB0") is None


def test_receipts_move_a_message_forward_only(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    outbox.mark_sent(ADA, FIRST, wa_id="3EB0", at=NOW, fence=1)

    read = messages.advance(ADA, FIRST, OutboundStatus.READ, at=NOW)
    late = messages.advance(ADA, FIRST, OutboundStatus.DELIVERED, at=NOW)

    assert read is not None
    assert (read.status, read.read_at, read.delivered_at) == (OutboundStatus.READ, NOW, None)
    assert late is None
    assert messages.find(ADA, FIRST) == read


def test_a_receipt_corrects_what_was_unknown(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    outbox.mark_unknown(ADA, FIRST, wa_id="3EB0", fence=1)

    assert messages.find_ref(ADA, "3EB0") == FIRST
    delivered = messages.advance(ADA, FIRST, OutboundStatus.DELIVERED, at=NOW)

    assert delivered is not None
    assert (delivered.status, delivered.delivered_at) == (OutboundStatus.DELIVERED, NOW)


def test_a_receipt_does_not_bring_back_what_failed(messages: Messages, outbox: Outbox) -> None:
    messages.accept(an_outbound())
    outbox.mark_failed(ADA, FIRST, error="e", fence=1)

    assert messages.advance(ADA, FIRST, OutboundStatus.DELIVERED, at=NOW) is None


def test_a_receipt_knows_its_own_success_again(messages: Messages, clients: Clients) -> None:
    messages.accept(an_outbound())

    with first_answer_lost(clients, "UpdateItem"):
        delivered = messages.advance(ADA, FIRST, OutboundStatus.DELIVERED, at=NOW)

    assert delivered is not None


def _all_pages(messages: Messages, *, limit: int, chat: Jid | None = None) -> list[list[Message]]:
    page = messages.list(ADA, limit=limit, chat=chat)
    pages = [page.items]
    while page.cursor is not None:
        page = messages.list(ADA, limit=limit, chat=chat, cursor=page.cursor)
        pages.append(page.items)
    return pages


def _seconds(message: Message) -> int:
    match message:
        case Outbound():
            at = message.accepted_at
        case Inbound():
            at = message.received_at
    return int((at - NOW).total_seconds())
