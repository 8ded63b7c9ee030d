"""Receipts, both ways: delivered, read, and withheld."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control

if TYPE_CHECKING:
    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient


def address(sandbox: Sandbox, number: str) -> str:
    """Give the hidden address of a number."""
    return str(sandbox.network.directory.get(number).lid)


async def test_the_client_learns_that_its_message_was_delivered_and_read(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    sent = await ada.send_text(BOB, "tell me")

    delivered = await arrivals.receipt(ada, "DELIVERED", sent)
    await control.post(f"/phones/{BOB}/read", id=sent)
    read = await arrivals.receipt(ada, "READ", sent)

    assert arrivals.receipts(ada, sent) == ["DELIVERED", "READ"]
    for receipt in (delivered, read):
        assert receipt["MessageIDs"] == [sent]
        assert arrivals.sender_of({"Info": receipt}) == sandbox.network.directory.get(BOB).lid_user


async def test_the_phone_learns_that_its_message_was_delivered_and_read(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    sent = await control.send(BOB, ADA, "tell me")
    await arrivals.message(ada, sent)

    bob = address(sandbox, BOB)
    await ada.call("mark_read", sent, chat=bob, sender=bob, receipt="READ")

    noticed = await control.noticed(BOB, where=lambda event: event["kind"] == "read")
    assert [(event["sender"], event["ids"]) for event in noticed] == [(ADA, [sent])]
    kinds = [event["kind"] for event in await control.get(f"/phones/{BOB}/events")]
    assert kinds.count("read") == 1
    assert kinds.count("delivered") == 2  # from the client and from its owner's phone


async def test_one_receipt_may_be_for_several_messages(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    sent = [await control.send(BOB, ADA, text) for text in ("one", "two", "three")]
    await arrivals.message(ada, sent[-1])

    bob = address(sandbox, BOB)
    await ada.call("mark_read", *sent, chat=bob, sender=bob, receipt="READ")

    (read,) = await control.noticed(BOB, where=lambda event: event["kind"] == "read")
    assert read["ids"] == sent


async def test_a_phone_with_its_receipts_off_reads_and_says_nothing(
    ada: NeonizeClient, control: Control
) -> None:
    await control.patch(f"/phones/{BOB}", receipts=False)

    secret = await ada.send_text(BOB, "are you there?")
    await control.received(BOB)
    await arrivals.message(ada, await control.send(BOB, ADA, "later"))
    await control.patch(f"/phones/{BOB}", receipts=True)
    told = await ada.send_text(BOB, "and now?")

    await arrivals.receipt(ada, "DELIVERED", told)
    assert arrivals.receipts(ada, secret) == []


async def test_in_a_group_each_member_sends_receipts_of_its_own(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    group = (await control.post("/groups", owner=ADA, subject="Friends", members=[BOB, CYD]))["id"]

    sent = await ada.send_text(group, "hello all")
    for number in (BOB, CYD):
        await control.received(number)
        await control.post(f"/phones/{number}/read", id=sent)

    for number in (BOB, CYD):
        user = sandbox.network.directory.get(number).lid_user
        for kind in ("DELIVERED", "READ"):
            receipt = await ada.wait_for(
                "ReceiptEv",
                lambda data, user=user, kind=kind: (  # type: ignore[misc]
                    data["Type"] == kind and data["MessageSource"]["Sender"]["User"] == user
                ),
            )
            assert receipt["MessageSource"]["IsGroup"]
            assert receipt["MessageIDs"] == [sent]


async def test_in_a_group_the_client_tells_the_author_what_it_read(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"]
    sent = await control.send(BOB, group, "hello all")
    await arrivals.message(ada, sent)

    await ada.call("mark_read", sent, chat=group, sender=address(sandbox, BOB), receipt="READ")

    (read,) = await control.noticed(BOB, where=lambda event: event["kind"] == "read")
    assert (read["sender"], read["ids"]) == (ADA, [sent])
    assert await control.get(f"/phones/{CYD}/events") == []
