"""What a new client is told of the past, and what its owner is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


async def told(client: NeonizeClient, kind: str) -> dict[str, Any]:
    """Give what a client was told of the past under this heading."""
    sync = await client.wait_for("HistorySyncEv", lambda data: data["Data"]["syncType"] == kind)
    return dict(sync["Data"])


async def past(client: NeonizeClient) -> dict[str, dict[str, Any]]:
    """Give the conversations that a client was told of, by address."""
    return {chat["ID"]: chat for chat in (await told(client, "INITIAL_BOOTSTRAP"))["conversations"]}


def said(chat: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Give id, words and whether the owner said it, newest first."""
    messages = [entry["message"] for entry in chat["messages"]]
    return [
        (message["key"]["ID"], message["message"]["conversation"], message["key"]["fromMe"])
        for message in messages
    ]


async def test_a_new_client_learns_what_was_said_before_it_was_linked(
    new_client: NewClient, control: Control, sandbox: Sandbox
) -> None:
    hello = await control.send(BOB, ADA, "hello Ada")
    answer = await control.send(ADA, BOB, "hello Bob")
    note = await control.send(CYD, ADA, "call me")

    async with new_client() as client:
        await link(client, control)

        chats = await past(client)
        with_bob, with_cyd = (chats[str(sandbox.network.directory.get(number).lid)] for number in (BOB, CYD))
        assert said(with_bob) == [(answer, "hello Bob", True), (hello, "hello Ada", False)]
        assert (with_bob["name"], with_bob["pnJID"]) == ("Bob", f"{BOB}@s.whatsapp.net")
        assert said(with_cyd) == [(note, "call me", False)]
        assert arrivals.messages(client) == []


async def test_a_new_client_learns_what_was_said_in_groups(
    new_client: NewClient, control: Control, sandbox: Sandbox
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"]
    first = await control.send(CYD, group, "who comes?")
    second = await control.send(ADA, group, "I do")

    async with new_client() as client:
        await link(client, control)

        chat = (await past(client))[group]
        assert chat["name"] == "Friends"
        assert said(chat) == [(second, "I do", True), (first, "who comes?", False)]
        writer = chat["messages"][-1]["message"]["key"]["participant"]
        assert writer == str(sandbox.network.directory.get(CYD).lid)


async def test_a_new_client_learns_what_the_contacts_call_themselves(
    ada: NeonizeClient, sandbox: Sandbox
) -> None:
    names = {entry["ID"]: entry["pushname"] for entry in (await told(ada, "PUSH_NAME"))["pushnames"]}

    lids = {number: str(sandbox.network.directory.get(number).lid) for number in (BOB, CYD)}
    assert (names[lids[BOB]], names[lids[CYD]]) == ("Bob", "Cyd")


async def test_a_client_that_logs_in_again_is_not_told_the_past_again(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await link(client, control)
        await control.settled()

    async with new_client() as client:
        await client.connect()
        await arrivals.message(client, await control.send(BOB, ADA, "hello again"))

        assert not [event for event in client.events if event["event"] == "HistorySyncEv"]


async def test_the_client_can_be_present_because_it_learned_its_owners_name(ada: NeonizeClient) -> None:
    name = await arrivals.push_name(ada)

    await ada.call("send_presence", "AVAILABLE")  # else: can't send presence without PushName set

    assert name == "Ada"


async def test_a_name_that_the_client_sets_is_the_one_that_others_see(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    await arrivals.push_name(ada)

    await ada.call("set_profile_name", "Countess")

    assert (await control.get(f"/phones/{ADA}"))["name"] == "Countess"
    async with new_client("bob") as bob:
        await link(bob, control, BOB)
        sent = await ada.send_text(BOB, "guess who")
        assert (await arrivals.message(bob, sent))["Info"]["Pushname"] == "Countess"
