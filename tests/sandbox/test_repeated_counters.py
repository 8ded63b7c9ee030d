"""What becomes of messages from a client whose database is an older copy: its Signal counters repeat.

This is what an unclean take-over does to a session (DESIGN.md, "Unclean take-over"), and how it is undone.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.sandbox.network.accounts import Account
    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


def copy(database: Path, to: Path) -> None:
    """Copy a database as it is now, whoever is writing to it."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def forget_sessions(database: Path, *accounts: Account) -> None:
    """Delete the Signal sessions with all devices of some accounts."""
    with closing(sqlite3.connect(database)) as store, store:
        for account in accounts:
            store.execute("DELETE FROM whatsmeow_sessions WHERE their_id LIKE ?", (f"{account.lid_user}_%",))


def forget_own_sender_key(database: Path, group: str, own: Account) -> None:
    """Delete the key with which the client itself writes to a group."""
    with closing(sqlite3.connect(database)) as store, store:
        store.execute(
            "DELETE FROM whatsmeow_sender_keys WHERE chat_id = ? AND sender_id LIKE ?",
            (group, f"{own.lid_user}_%"),
        )


@pytest.fixture
async def chat(new_client: NewClient, control: Control, tmp_path: Path) -> str:
    """Ada's chat with Bob. She wrote twice since her database was copied, and her client is gone."""
    async with new_client() as client:
        await link(client, control)
        await arrivals.message(client, await control.send(BOB, ADA, "a session is there"))
        await client.send_text(BOB, "before the copy")
        await control.settled()
        copy(tmp_path / "ada.db", tmp_path / "copy.db")
        await client.send_text(BOB, "after it")
        await client.send_text(BOB, "and again")
    await control.received(BOB, 3)
    return BOB


@pytest.fixture
async def group(new_client: NewClient, control: Control, tmp_path: Path) -> str:
    """A group of Ada, Bob and Cyd. She wrote to it since her database was copied, and her client is gone."""
    group = str((await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"])
    async with new_client() as client:
        await link(client, control)
        await client.send_text(group, "before the copy")
        await control.settled()
        copy(tmp_path / "ada.db", tmp_path / "copy.db")
        await client.send_text(group, "after it")
    await control.received(BOB, 2)
    await control.received(CYD, 2)
    return group


@pytest.fixture
def accounts(sandbox: Sandbox) -> dict[str, Account]:
    """The accounts, by number."""
    return {account.number: account for account in sandbox.network.directory}


async def test_a_phone_drops_repeated_counters_without_a_word_and_reads_on_after_them(
    new_client: NewClient, control: Control, chat: str
) -> None:
    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")

        lost = [await restored.send_text(chat, f"lost {number}") for number in (1, 2)]
        read = await restored.send_text(chat, "read")

        await arrivals.receipt(restored, "DELIVERED", read)
        came = (await control.received(BOB, 6))[3:]
        assert [message["id"] for message in came] == [*lost, read]
        assert [message["text"] for message in came] == [None, None, "read"]
        assert [message["duplicate_counter"] for message in came] == [True, True, False]
        assert [arrivals.receipts(restored, message_id) for message_id in lost] == [[], []]
        assert (await control.get("/stats"))["retry_receipts_out"] == 0


async def test_a_client_that_forgets_the_sessions_of_an_older_copy_is_read_at_once(
    new_client: NewClient, control: Control, chat: str, accounts: dict[str, Account], tmp_path: Path
) -> None:
    forget_sessions(tmp_path / "copy.db", accounts[BOB], accounts[ADA])

    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")
        sent = await restored.send_text(chat, "read")

        await arrivals.receipt(restored, "DELIVERED", sent)
        on_bobs = (await control.received(BOB, 4))[-1]
        on_own = (await control.received(ADA, where=arrivals.with_id(sent)))[-1]
        assert (on_bobs["text"], on_own["text"]) == ("read", "read")
        assert (await control.get("/stats"))["duplicate_counters"] == 0


async def test_the_clients_own_phone_drops_its_copy_too_unless_that_session_is_forgotten(
    new_client: NewClient, control: Control, chat: str, accounts: dict[str, Account], tmp_path: Path
) -> None:
    forget_sessions(tmp_path / "copy.db", accounts[BOB])

    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")
        sent = await restored.send_text(chat, "read")

        await arrivals.receipt(restored, "DELIVERED", sent)
        (on_own,) = await control.received(ADA, where=arrivals.with_id(sent))
        assert on_own["duplicate_counter"]


async def test_a_group_drops_repeated_counters_without_a_word(
    new_client: NewClient, control: Control, group: str
) -> None:
    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")

        lost = await restored.send_text(group, "lost")
        read = await restored.send_text(group, "read")

        await arrivals.receipt(restored, "DELIVERED", read)
        for number in (BOB, CYD):
            came = (await control.received(number, 4))[2:]
            assert [message["duplicate_counter"] for message in came] == [True, False]
            assert [message["text"] for message in came] == [None, "read"]
        assert arrivals.receipts(restored, lost) == []


async def test_new_sessions_alone_do_not_help_a_group(
    new_client: NewClient, control: Control, group: str, accounts: dict[str, Account], tmp_path: Path
) -> None:
    forget_sessions(tmp_path / "copy.db", *accounts.values())

    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")
        await restored.send_text(group, "lost")

        for number in (BOB, CYD):
            assert (await control.received(number, 3))[-1]["duplicate_counter"]


async def test_a_group_reads_a_client_that_forgot_the_sessions_and_its_own_sender_key(
    new_client: NewClient, control: Control, group: str, accounts: dict[str, Account], tmp_path: Path
) -> None:
    forget_sessions(tmp_path / "copy.db", *accounts.values())
    forget_own_sender_key(tmp_path / "copy.db", group, accounts[ADA])

    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")
        sent = await restored.send_text(group, "read")

        await arrivals.receipt(restored, "DELIVERED", sent)
        for number in (BOB, CYD):
            assert (await control.received(number, 3))[-1]["text"] == "read"
        assert (await control.get("/stats"))["duplicate_counters"] == 0


async def test_a_group_asks_again_when_only_the_news_of_the_sender_key_repeats_a_counter(
    new_client: NewClient, control: Control, group: str, accounts: dict[str, Account], tmp_path: Path
) -> None:
    forget_own_sender_key(tmp_path / "copy.db", group, accounts[ADA])

    async with new_client("copy") as restored:
        await restored.connect()
        await restored.wait_for("ConnectedEv")
        sent = await restored.send_text(group, "read in the end")

        await arrivals.receipt(restored, "DELIVERED", sent)
        came = (await control.received(BOB, where=lambda message: message["text"] == "read in the end"))[-1]
        assert came["attempt"] > 0
