"""Companions of one account: two at once, one that was offline, one that is linked anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


async def test_two_companions_get_everything_and_what_the_other_sends(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    async with new_client("ada-2") as second:
        await link(second, control, ADA)

        from_bob = await control.send(BOB, ADA, "from Bob")
        from_phone = await control.send(ADA, BOB, "from the phone")
        from_first = await ada.send_text(BOB, "from the first")
        from_second = await second.send_text(BOB, "from the second")

        for client in (ada, second):
            assert arrivals.text_of(await arrivals.message(client, from_bob)) == "from Bob"
            copy = await arrivals.message(client, from_phone)
            assert (arrivals.text_of(copy), copy["Info"]["MessageSource"]["IsFromMe"]) == (
                "from the phone",
                True,
            )
        for client, sent, text in (
            (ada, from_second, "from the second"),
            (second, from_first, "from the first"),
        ):
            copy = await arrivals.message(client, sent)
            assert (arrivals.text_of(copy), copy["Info"]["MessageSource"]["IsFromMe"]) == (text, True)
        assert [message["text"] for message in await control.received(BOB, 3)] == [
            "from the phone",
            "from the first",
            "from the second",
        ]
        assert (await control.get("/stats"))["undecryptable"] == 0


async def test_clients_of_two_accounts_write_to_each_other(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    async with new_client("bob") as bob:
        await link(bob, control, BOB)

        asked = await ada.send_text(BOB, "are you there?")
        await arrivals.message(bob, asked)
        answered = await bob.send_text(ADA, "I am")

        assert arrivals.text_of(await arrivals.message(ada, answered)) == "I am"
        await arrivals.receipt(ada, "DELIVERED", asked)


async def test_what_came_while_a_companion_was_offline_is_delivered_once_and_in_order(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await link(client, control)
        await arrivals.message(client, await control.send(BOB, ADA, "before"))
        await control.settled()
    missed = [await control.send(BOB, ADA, f"missed {number}") for number in range(5)]

    async with new_client() as client:
        await client.connect()

        preview = await client.wait_for("OfflineSyncPreviewEv")
        completed = await client.wait_for("OfflineSyncCompletedEv")
        later = await control.send(BOB, ADA, "after")
        await arrivals.message(client, later)
        came = [message["Info"]["ID"] for message in arrivals.messages(client)]
        assert (preview["Message"], completed["Count"]) == (5, 5)
        assert came == [*missed, later]
        await control.settled()

    async with new_client() as client:
        await client.connect()
        completed = await client.wait_for("OfflineSyncCompletedEv")
        assert completed["Count"] == 0


async def test_an_account_is_unlinked_and_linked_anew(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await link(client, control)
        await control.post(f"/phones/{ADA}/unlink")

        await client.wait_for("LoggedOutEv")
        assert (await control.get(f"/phones/{ADA}"))["devices"] == []
        unseen = await control.send(BOB, ADA, "nobody is linked")

    async with new_client("anew") as client:
        await link(client, control)
        sent = await control.send(BOB, ADA, "welcome back")
        await client.send_text(BOB, "thank you")

        assert arrivals.text_of(await arrivals.message(client, sent)) == "welcome back"
        assert [device["device"] for device in (await control.get(f"/phones/{ADA}"))["devices"]] == [2]
        assert (await control.received(BOB))[0]["text"] == "thank you"
        assert unseen not in [message["Info"]["ID"] for message in arrivals.messages(client)]


async def test_a_client_that_logs_itself_out_is_off_the_phones_list(
    ada: NeonizeClient, control: Control
) -> None:
    await ada.call("logout")

    assert (await control.get(f"/phones/{ADA}"))["devices"] == []


async def test_one_of_two_companions_leaves_and_the_other_stays(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    async with new_client("ada-2") as second:
        await link(second, control, ADA)
        await second.call("logout")

        sent = await control.send(BOB, ADA, "still there?")

        await arrivals.message(ada, sent)
        await ada.send_text(BOB, "I am")
        assert (await control.received(BOB))[0]["text"] == "I am"
        assert [device["device"] for device in (await control.get(f"/phones/{ADA}"))["devices"]] == [1]
