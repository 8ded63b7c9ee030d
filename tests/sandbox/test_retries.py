"""Retry receipts, both ways: who cannot read a message asks for it again, and gets to read it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


def lose_keys(database: Path) -> None:
    """Let a client that is not running forget what it shares with everybody, and with groups."""
    with closing(sqlite3.connect(database)) as store, store:
        store.execute("DELETE FROM whatsmeow_sessions")
        store.execute("DELETE FROM whatsmeow_sender_keys")


def forget_adas_client(sandbox: Sandbox, *, on: str = BOB) -> None:
    """Let a phone forget what it shares with Ada's client."""
    client = sandbox.network.directory.get(ADA).lid.with_device(1)
    sandbox.phones.get(on).keyring.forget_session(client)


async def test_a_phone_that_lost_its_keys_asks_until_it_can_read(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    await arrivals.message(ada, await control.send(BOB, ADA, "a session is there"))
    forget_adas_client(sandbox)

    sent = await ada.send_text(BOB, "can you read this?")

    (read,) = await control.received(BOB, where=lambda message: message["text"] is not None)
    tries = await control.received(BOB, where=arrivals.with_id(sent))
    stats = await control.get("/stats")
    assert (read["id"], read["text"]) == (sent, "can you read this?")
    assert read["attempt"] > 0
    assert tries[0]["undecryptable"].startswith("NoSessionError")
    assert stats["undecryptable"] == stats["retry_receipts_out"] == read["attempt"]
    assert stats["messages_in"] == 1


async def test_the_client_reports_the_retry_receipt_and_then_the_delivery(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    await arrivals.message(ada, await control.send(BOB, ADA, "a session is there"))
    forget_adas_client(sandbox)

    sent = await ada.send_text(BOB, "can you read this?")

    await arrivals.receipt(ada, "DELIVERED", sent)
    *asked, last = arrivals.receipts(ada, sent)
    assert (set(asked), last) == ({"RETRY"}, "DELIVERED")


async def test_a_client_that_lost_its_keys_asks_until_it_can_read(
    new_client: NewClient, control: Control, tmp_path: Path
) -> None:
    async with new_client() as client:
        await link(client, control)
        await arrivals.message(client, await control.send(BOB, ADA, "a session is there"))
        await arrivals.receipt(client, "DELIVERED", await client.send_text(BOB, "indeed"))
        await control.settled()
    lose_keys(tmp_path / "ada.db")

    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")
        sent = await control.send(BOB, ADA, "can you read this?")

        failed = await client.wait_for("UndecryptableMessageEv", lambda data: data["Info"]["ID"] == sent)
        read = await arrivals.message(client, sent)
        assert failed["Info"]["ID"] == sent
        assert arrivals.text_of(read) == "can you read this?"
        assert int(read["RetryCount"]) > 0
        assert (await control.get("/stats"))["retry_receipts_in"] == int(read["RetryCount"])


async def test_a_client_that_lost_its_keys_asks_its_owners_phone_for_the_copy(
    new_client: NewClient, control: Control, sandbox: Sandbox, tmp_path: Path
) -> None:
    async with new_client() as client:
        await link(client, control)
        await client.send_text(ADA, "so that the phone has my session's answer")
        await arrivals.message(client, await control.send(ADA, BOB, "a session is there"))
        await control.settled()
    lose_keys(tmp_path / "ada.db")

    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")
        sent = await control.send(ADA, BOB, "can you read this?")

        copy = await arrivals.message(client, sent)
        source = copy["Info"]["MessageSource"]
        assert arrivals.text_of(copy) == "can you read this?"
        assert source["IsFromMe"]
        assert source["Chat"]["User"] == sandbox.network.directory.get(BOB).lid_user
        assert int(copy["RetryCount"]) > 0


async def test_the_owners_phone_asks_for_its_copy_too(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    forget_adas_client(sandbox, on=ADA)

    sent = await ada.send_text(BOB, "a copy for my phone")

    tries = await control.received(ADA, 2, where=arrivals.with_id(sent))
    (copy,) = await control.received(ADA, where=lambda message: message["text"] is not None)
    assert tries[0]["undecryptable"] is not None
    assert (copy["text"], copy["chat"], copy["from_me"]) == ("a copy for my phone", BOB, True)
    assert copy["attempt"] > 0


async def test_a_client_that_lost_a_groups_keys_asks_until_it_can_read(
    new_client: NewClient, control: Control, tmp_path: Path
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA]))["id"]
    async with new_client() as client:
        await link(client, control)
        await arrivals.message(client, await control.send(BOB, group, "a key is there"))
        await client.send_text(group, "indeed")
        await control.settled()
    lose_keys(tmp_path / "ada.db")

    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")
        sent = await control.send(BOB, group, "can you read this?")

        read = await arrivals.message(client, sent)
        assert arrivals.text_of(read) == "can you read this?"
        assert int(read["RetryCount"]) > 0
