"""Delivery receipts: at once while it is quiet, bundled in a burst."""

from __future__ import annotations

import asyncio

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.phones.delivered import Delivered
from infra.sandbox.wire.node import Node

BOB, CYD, GROUP = Jid.lid("111"), Jid.lid("222"), Jid("120", GROUP_SERVER)


def ids_of(receipt: Node) -> list[str]:
    listed = receipt.find("list")
    return [receipt.text("id"), *(item.text("id") for item in (listed.children("item") if listed else ()))]


async def test_a_lone_message_is_confirmed_at_once() -> None:
    sent: list[Node] = []

    Delivered(sent.append).confirm("A", chat=BOB, participant=None)

    assert sent == [Node("receipt", {"id": "A", "to": BOB})]


async def test_a_burst_is_confirmed_in_one_receipt_that_names_all_in_order() -> None:
    sent: asyncio.Queue[Node] = asyncio.Queue()
    delivered = Delivered(sent.put_nowait)

    for message_id in "ABCD":
        delivered.confirm(message_id, chat=BOB, participant=None)

    async with asyncio.timeout(5):
        assert [ids_of(await sent.get()), ids_of(await sent.get())] == [["A"], ["B", "C", "D"]]


async def test_nothing_is_confirmed_twice_and_nothing_is_left_after_a_flush() -> None:
    sent: list[Node] = []
    delivered = Delivered(sent.append)

    for message_id in "ABC":
        delivered.confirm(message_id, chat=BOB, participant=None)
        delivered.flush()
    delivered.flush()

    assert [ids_of(receipt) for receipt in sent] == [["A"], ["B"], ["C"]]


async def test_each_sender_in_each_chat_is_told_apart() -> None:
    sent: list[Node] = []
    delivered = Delivered(sent.append)

    delivered.confirm("A", chat=GROUP, participant=BOB)
    delivered.confirm("B", chat=GROUP, participant=CYD)
    delivered.confirm("C", chat=BOB, participant=None)

    assert [receipt.attrs for receipt in sent] == [
        {"id": "A", "to": GROUP, "participant": BOB},
        {"id": "B", "to": GROUP, "participant": CYD},
        {"id": "C", "to": BOB},
    ]
