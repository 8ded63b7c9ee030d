"""Typing and presence, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]

COMPOSING = "CHAT_PRESENCE_COMPOSING"
PAUSED = "CHAT_PRESENCE_PAUSED"
TEXT = "CHAT_PRESENCE_MEDIA_TEXT"


async def test_the_phone_sees_the_client_type_and_stop(ada: NeonizeClient, control: Control) -> None:
    await ada.call("send_chat_presence", f"{BOB}@s.whatsapp.net", COMPOSING, TEXT)
    await ada.call("send_chat_presence", f"{BOB}@s.whatsapp.net", PAUSED, TEXT)

    seen = await control.noticed(BOB, 2, where=lambda event: event["event"] == "typing")
    assert [(event["sender"], event["kind"]) for event in seen] == [(ADA, "composing"), (ADA, "paused")]


async def test_the_client_sees_the_phone_type_and_stop(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    bob = sandbox.network.directory.get(BOB).lid_user

    await control.post(f"/phones/{BOB}/typing", to=ADA)
    await control.post(f"/phones/{BOB}/typing", to=ADA, typing=False)

    for state in ("COMPOSING", "PAUSED"):
        seen = await ada.wait_for("ChatPresenceEv", lambda data, state=state: data["State"] == state)  # type: ignore[misc]
        assert seen["MessageSource"]["Chat"]["User"] == seen["MessageSource"]["Sender"]["User"] == bob


async def test_typing_in_a_group_is_seen_by_all_its_members(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"]

    await control.post(f"/phones/{BOB}/typing", to=group)
    await ada.call("send_chat_presence", group, COMPOSING, TEXT)

    source = (await ada.wait_for("ChatPresenceEv"))["MessageSource"]
    assert f"{source['Chat']['User']}@{source['Chat']['Server']}" == group
    assert source["Sender"]["User"] == sandbox.network.directory.get(BOB).lid_user
    by_cyd = await control.noticed(CYD, 2, where=lambda event: event["event"] == "typing")
    assert [event["sender"] for event in by_cyd] == [BOB, ADA]


async def test_the_client_sees_a_phone_it_subscribed_to_go_and_come(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    await arrivals.push_name(ada)
    await ada.call("send_presence", "AVAILABLE")

    await ada.call("subscribe_presence", f"{BOB}@s.whatsapp.net")
    online = await ada.wait_for("PresenceEv")
    mark = ada.mark()
    await control.patch(f"/phones/{BOB}", available=False)
    offline = await ada.wait_for("PresenceEv", since=mark)
    mark = ada.mark()
    await control.patch(f"/phones/{BOB}", available=True)
    again = await ada.wait_for("PresenceEv", since=mark)

    assert [seen["Unavailable"] for seen in (online, offline, again)] == [False, True, False]
    assert online["From"]["User"] == sandbox.network.directory.get(BOB).lid_user


async def test_a_phone_that_watches_sees_the_client_come_and_go(ada: NeonizeClient, control: Control) -> None:
    await arrivals.push_name(ada)
    await control.post(f"/phones/{BOB}/watch", to=ADA)

    await ada.call("send_presence", "UNAVAILABLE")
    await ada.call("send_presence", "AVAILABLE")

    seen = await control.noticed(BOB, 3, where=lambda event: event["event"] == "presence")
    assert {event["sender"] for event in seen} == {ADA}
    assert [event["kind"] for event in seen] == ["available", "unavailable", "available"]


async def test_another_client_that_subscribed_sees_this_one_come_and_go(
    ada: NeonizeClient, new_client: NewClient, control: Control, sandbox: Sandbox
) -> None:
    async with new_client("bob") as bob:
        await link(bob, control, BOB)
        for client in (ada, bob):
            await arrivals.push_name(client)
        await bob.call("send_presence", "AVAILABLE")
        await bob.call("subscribe_presence", str(sandbox.network.directory.get(ADA).lid))
        await bob.wait_for("PresenceEv")
        mark = bob.mark()

        await ada.call("send_presence", "UNAVAILABLE")

        assert (await bob.wait_for("PresenceEv", since=mark))["Unavailable"]
