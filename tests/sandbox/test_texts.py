"""Texts, both ways: what is read is what was written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, Control
from tests.sandbox.neonize_client import NeonizeError

if TYPE_CHECKING:
    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

NOBODY = "14155559999"
WRITTEN = [
    "a",
    " blanks at both ends \n\n\tand a tab ",
    "Grüße, 你好, שלום עליכם, नमस्ते",
    "e\u0301 is not \u00e9; \u202ethis runs backwards\u202c",
    "👩🏽‍🚀👨‍👩‍👧‍👦🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "zero \0 byte",
    "long " * 13_000,
]


async def test_the_phone_reads_what_the_client_writes(ada: NeonizeClient, control: Control) -> None:
    for text in WRITTEN:
        await ada.send_text(BOB, text)

    read = await control.received(BOB, len(WRITTEN))
    assert [message["text"] for message in read] == WRITTEN
    assert {(message["sender"], message["chat"], message["from_me"]) for message in read} == {
        (ADA, ADA, False)
    }


async def test_the_client_reads_what_the_phone_writes(ada: NeonizeClient, control: Control) -> None:
    ids = [await control.send(BOB, ADA, text) for text in WRITTEN]

    read = [await arrivals.message(ada, message_id) for message_id in ids]
    assert [arrivals.text_of(message) for message in read] == WRITTEN
    assert {message["Info"]["Pushname"] for message in read} == {"Bob"}
    assert {message["Info"]["MessageSource"]["SenderAlt"]["User"] for message in read} == {BOB}


async def test_many_texts_keep_their_order_while_both_write(ada: NeonizeClient, control: Control) -> None:
    written = [f"{number} of 40" for number in range(1, 41)]

    for text in written:
        last = await control.send(BOB, ADA, text)
        await ada.send_text(BOB, text)

    await arrivals.message(ada, last)
    assert [arrivals.text_of(message) for message in arrivals.messages(ada)] == written
    assert [message["text"] for message in await control.received(BOB, 40)] == written


async def test_a_text_may_go_to_the_hidden_address(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    await ada.send_text(str(sandbox.network.directory.get(BOB).lid), "to your LID")

    (read,) = await control.received(BOB)
    assert read["text"] == "to your LID"


async def test_what_the_client_writes_is_on_its_owners_phone_too(
    ada: NeonizeClient, control: Control
) -> None:
    sent = await ada.send_text(BOB, "from the client")

    (copy,) = await control.received(ADA)
    assert (copy["id"], copy["text"]) == (sent, "from the client")
    assert (copy["from_me"], copy["chat"]) == (True, BOB)


async def test_what_the_owner_types_on_the_phone_comes_to_the_client_as_from_me(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    sent = await control.send(ADA, BOB, "from the phone")

    source = (copy := await arrivals.message(ada, sent))["Info"]["MessageSource"]
    assert arrivals.text_of(copy) == "from the phone"
    assert source["IsFromMe"]
    assert source["Chat"]["User"] == sandbox.network.directory.get(BOB).lid_user


async def test_a_note_to_oneself_is_on_the_phone(ada: NeonizeClient, control: Control) -> None:
    await ada.send_text(ADA, "buy milk")

    (note,) = await control.received(ADA)
    assert (note["text"], note["chat"], note["from_me"]) == ("buy milk", ADA, True)


async def test_a_text_to_a_number_that_nobody_has_fails(ada: NeonizeClient, control: Control) -> None:
    with pytest.raises(NeonizeError, match=f"no LID found for {NOBODY}@s.whatsapp.net from server"):
        await ada.send_text(NOBODY, "is anybody there?")

    assert (await control.get("/stats"))["messages_in"] == 0
