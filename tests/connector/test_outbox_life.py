"""What becomes of messages between the table and the device, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from connector.places import ABANDONED
from infra.aws.messages import PlaceTakenError
from infra.contract.message import OnUnknown, OutboundStatus
from tests.aws.builders import ADA
from tests.connector.outbox_bench import FENCE

if TYPE_CHECKING:
    from infra.contract.message import Outbound
    from tests.connector.outbox_bench import OutboxBench

SENT = OutboundStatus.SENT
LATER = timedelta(seconds=ABANDONED)


async def test_what_no_nudge_told_of_is_sent_at_the_next_look(bench: OutboxBench) -> None:
    async with bench.serving():
        await bench.status(bench.send("told"), SENT)
        ref = bench.send("not told")
        bench.look()

        await bench.status(ref, SENT)
        await bench.backlog(0)

    assert bench.read == ["told", "not told"]


async def test_many_nudges_for_few_messages_send_each_once_and_in_order(bench: OutboxBench) -> None:
    async with bench.serving():
        refs = [bench.send(str(number)) for number in range(12)]
        for _ in range(50):
            bench.sender.nudge()
            await asyncio.sleep(0)
        await bench.status(refs[-1], SENT)

    assert bench.read == [str(number) for number in range(12)]


async def test_a_message_costs_one_look_into_the_outbox(
    bench: OutboxBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    pending = bench.outbox.pending

    def counted(*args: Any, **kwargs: Any) -> list[Outbound]:
        looks.append(args)
        return pending(*args, **kwargs)

    monkeypatch.setattr(bench.outbox, "pending", counted)
    began = time.monotonic()
    async with bench.serving():
        for number in range(10):
            ref = bench.send(str(number))
            bench.sender.nudge()
            await bench.status(ref, SENT)

    for_the_watermark = math.ceil(time.monotonic() - began)
    assert 10 <= len(looks) <= 10 + 1 + for_the_watermark


async def test_a_place_whose_request_died_is_closed_and_leaves_the_backlog(bench: OutboxBench) -> None:
    bench.place()
    ref = bench.send("after it")
    bench.place()
    async with bench.serving():
        await bench.status(ref, SENT)
        bench.clock.leap(LATER)
        bench.look()

        await bench.backlog(0)

    with pytest.raises(PlaceTakenError):
        bench.put(1, "much too late")
    assert bench.read == ["after it"]


async def test_a_message_that_came_late_into_its_place_is_sent(bench: OutboxBench) -> None:
    late = bench.place()
    ref = bench.send("second")
    async with bench.serving():
        await bench.status(ref, SENT)
        first = bench.put(late, "first")
        bench.clock.leap(LATER)
        bench.look()

        await bench.status(first, SENT)
        await bench.backlog(0)


async def test_a_cancelled_message_leaves_the_backlog_though_it_was_the_last(bench: OutboxBench) -> None:
    async with bench.serving(connected=False):
        ref = bench.send("never mind")
        bench.messages.cancel(ADA, ref)
        bench.look()
        bench.connect()
        await asyncio.sleep(0.1)
        bench.clock.leap(LATER)
        bench.look()

        await bench.backlog(0)

    assert bench.read == []


async def test_what_expires_while_nothing_is_connected_leaves_the_backlog(
    bench: OutboxBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.sender._AWAY_SECONDS", 0.05)
    refs = [bench.send(str(number)) for number in range(3)]
    bench.clock.leap(timedelta(hours=25))
    async with bench.serving(connected=False):
        for ref in refs:
            await bench.status(ref, OutboundStatus.EXPIRED)
        bench.clock.leap(LATER)
        await bench.backlog(0)

    assert bench.read == []


async def test_what_was_claimed_before_the_host_heard_of_it_is_sent_once(bench: OutboxBench) -> None:
    ref = bench.send("once")
    bench.outbox.mark_sending(bench.find(ref), fence=FENCE)

    async with bench.serving():
        sent = await bench.status(ref, SENT)

    assert (bench.read, sent.attempts) == (["once"], 2)


async def test_what_left_before_its_record_is_settled_by_its_receipt(bench: OutboxBench) -> None:
    ref = bench.send("left")
    claimed = bench.outbox.mark_sending(bench.find(ref), fence=FENCE)
    assert claimed is not None
    bench.row(claimed.secret, "3EB0")

    async with bench.serving():
        bench.receipts.saw(["3EB0"], bench.clock.now())
        sent = await bench.status(ref, SENT)

    assert (bench.read, sent.wa_id) == ([], "3EB0")


@pytest.mark.parametrize(
    ("policy", "end", "read"),
    [(OnUnknown.FAIL, OutboundStatus.UNKNOWN, []), (OnUnknown.RESEND, SENT, ["in doubt"])],
)
async def test_what_is_in_doubt_ends_as_was_chosen_and_a_late_receipt_finds_it(
    bench: OutboxBench,
    monkeypatch: pytest.MonkeyPatch,
    *,
    policy: OnUnknown,
    end: OutboundStatus,
    read: list[str],
) -> None:
    monkeypatch.setattr("connector.sender._DOUBT_SECONDS", 0)
    ref = bench.send("in doubt", on_unknown=policy)
    claimed = bench.outbox.mark_sending(bench.find(ref), fence=FENCE)
    assert claimed is not None
    bench.row(claimed.secret, "3EB0")

    async with bench.serving():
        await bench.status(ref, end)

    assert bench.read == read
    assert bench.messages.find_ref(ADA, "3EB0") == ref


async def test_a_host_that_dies_amid_a_batch_costs_no_message_and_doubles_none(bench: OutboxBench) -> None:
    refs = [bench.send(str(number)) for number in range(8)]
    async with bench.serving(dies_at="3"):
        await bench.status(refs[2], SENT)
        bench.connect()
        for ref in refs:
            await bench.status(ref, SENT)

    assert bench.read == [str(number) for number in range(8)]


async def test_a_holder_that_lost_the_session_sends_nothing_more(bench: OutboxBench) -> None:
    ref = bench.send("for the successor")
    taken = bench.outbox.mark_sending(bench.find(ref), fence=FENCE + 1)

    async with bench.serving():
        bench.clock.leap(LATER)
        await asyncio.sleep(0.3)

    assert bench.read == []
    assert bench.find(ref) == taken
