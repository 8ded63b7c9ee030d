"""Messages to strangers: held while WhatsApp restricts the account, or paced, and holding up nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.device_host.protocol import SendError
from infra.contract.jid import Jid
from infra.contract.message import OutboundStatus
from infra.contract.session import Restriction
from tests.aws.builders import ADA, BOB, CYD
from tests.connector.outbox_bench import FENCE

if TYPE_CHECKING:
    from tests.connector.outbox_bench import OutboxBench

SENT = OutboundStatus.SENT


async def test_a_restriction_fails_one_message_and_holds_those_to_strangers(bench: OutboxBench) -> None:
    bench.writes(CYD)
    met = bench.send("met it")
    held = [bench.send(f"held {number}") for number in range(7)]
    reply = bench.send("a reply", CYD)

    async with bench.serving(script={"met it": SendError.REACH_OUT_RESTRICTED}):
        await bench.status(reply, SENT)
        failed = await bench.status(met, OutboundStatus.FAILED)
        for ref in held:
            await bench.status(ref, OutboundStatus.QUEUED)
        restricted = bench.sessions.get(ADA, consistent=True)
        cancelled = bench.messages.cancel(ADA, held[0])
        bench.sessions.want(ADA, restricted.desired)
        bench.clock.leap(timedelta(seconds=6))
        bench.look()
        for ref in held[1:]:
            await bench.status(ref, SENT)
        await bench.backlog(0)

    assert failed.error == "reach_out_restricted"
    assert restricted.restriction is not None
    assert restricted.restriction.code == "reach_out_restricted"
    assert cancelled is not None
    assert bench.read == ["a reply", *(f"held {number}" for number in range(1, 7))]


async def test_a_successor_honours_a_restriction_and_lets_a_chat_go_when_it_writes(
    bench: OutboxBench,
) -> None:
    now = bench.clock.now()
    restriction = Restriction("reach_out_restricted", now, now + timedelta(hours=1))
    bench.sessions.restrict(ADA, restriction, fence=FENCE)
    group = Jid.parse("120363025000000000@g.us")
    first, second, to_group = bench.send("first"), bench.send("second"), bench.send("to all", group)

    async with bench.serving(fence=FENCE + 1):
        await bench.status(to_group, SENT)
        held = bench.find(first)
        bench.strangers.heard_from(BOB)
        bench.look()
        await bench.status(second, SENT)

    assert held.status is OutboundStatus.QUEUED
    assert bench.read == ["to all", "first", "second"]


async def test_a_restriction_ends_by_itself(bench: OutboxBench) -> None:
    now = bench.clock.now()
    bench.sessions.restrict(ADA, Restriction("c", now, now + timedelta(hours=1)), fence=FENCE)
    ref = bench.send("waits")

    async with bench.serving():
        await bench.backlog(1)
        bench.clock.leap(timedelta(hours=1))
        bench.sender.nudge()

        await bench.status(ref, SENT)


async def test_what_is_held_may_expire_or_be_cancelled_and_leaves_the_backlog(bench: OutboxBench) -> None:
    now = bench.clock.now()
    bench.sessions.restrict(ADA, Restriction("c", now, now + timedelta(days=9)), fence=FENCE)
    expires, cancelled = bench.send("expires"), bench.send("cancelled")

    async with bench.serving():
        await bench.until(lambda: bench.intake.patience, lambda pause: pause is not None)
        bench.messages.cancel(ADA, cancelled)
        bench.look()
        await asyncio.sleep(0)
        bench.clock.leap(timedelta(hours=25))
        bench.sender.nudge()
        await bench.status(expires, OutboundStatus.EXPIRED)
        await bench.backlog(0)

    assert bench.read == []


async def test_new_chats_have_a_pace_of_their_own_that_holds_up_no_reply(bench: OutboxBench) -> None:
    bench.writes(CYD)
    strangers = [Jid.phone_number(f"1415555{number}") for number in range(1000, 1004)]
    refs = [bench.send(f"hello {number}", to) for number, to in enumerate(strangers)]
    again = bench.send("hello again 3", strangers[3])
    reply = bench.send("a reply", CYD)

    async with bench.serving(new_chats_per_minute=1):
        await bench.status(reply, SENT)
        early = list(bench.read)
        for ref in refs:
            bench.clock.leap(timedelta(minutes=2))
            bench.sender.nudge()
            await bench.status(ref, SENT)
        await bench.status(again, SENT)

    assert early == ["hello 0", "a reply"]
    assert bench.read[2:] == ["hello 1", "hello 2", "hello 3", "hello again 3"]
