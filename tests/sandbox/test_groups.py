"""Groups: founded by a phone and by a client, with words both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, link
from tests.sandbox.neonize_client import NeonizeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


async def test_a_group_founded_by_a_phone_hears_the_client_and_is_heard(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"]
    joined = await ada.wait_for("JoinedGroupEv")

    for text in ("first", "second"):
        await ada.send_text(group, text)
    ids = [await control.send(BOB, group, text) for text in ("third", "fourth")]

    assert joined["GroupInfo"]["GroupName"]["Name"] == "Friends"
    for number in (BOB, CYD):
        heard = (await control.received(number, 2))[:2]
        assert [(message["text"], message["sender"], message["chat"]) for message in heard] == [
            ("first", ADA, group),
            ("second", ADA, group),
        ]
    came = [await arrivals.message(ada, message_id) for message_id in ids]
    assert [arrivals.text_of(message) for message in came] == ["third", "fourth"]
    source = came[0]["Info"]["MessageSource"]
    assert source["IsGroup"]
    assert f"{source['Chat']['User']}@{source['Chat']['Server']}" == group
    assert source["Sender"]["User"] == sandbox.network.directory.get(BOB).lid_user
    assert source["SenderAlt"]["User"] == BOB


async def test_a_group_founded_by_the_client_hears_it_and_answers(
    ada: NeonizeClient, control: Control
) -> None:
    members = [f"{number}@s.whatsapp.net" for number in (BOB, CYD)]

    founded = await ada.call("create_group", "Plans", members)

    group = f"{founded['JID']['User']}@{founded['JID']['Server']}"
    (listed,) = await control.get("/groups")
    assert (listed["id"], listed["owner"], listed["subject"]) == (group, ADA, "Plans")
    assert sorted(listed["members"]) == [ADA, BOB, CYD]
    await ada.send_text(group, "who comes?")
    answers = [await control.send(number, group, f"{number} does") for number in (BOB, CYD)]
    for number, answer in zip((BOB, CYD), answers, strict=True):
        assert (await control.received(number))[0]["text"] == "who comes?"
        assert arrivals.text_of(await arrivals.message(ada, answer)) == f"{number} does"


async def test_every_device_in_a_group_reads_every_other(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    group = (await control.post("/groups", owner=CYD, subject="Friends", members=[ADA, BOB]))["id"]
    async with new_client("ada-2") as ada_2, new_client("bob") as bob:
        await link(ada_2, control, ADA)
        await link(bob, control, BOB)
        clients = {"ada": ada, "ada_2": ada_2, "bob": bob}

        sent = {name: await client.send_text(group, f"from {name}") for name, client in clients.items()}
        by_cyd = await control.send(CYD, group, "from cyd")
        by_bobs_phone = await control.send(BOB, group, "from bob's phone")

        for reader, client in clients.items():
            for writer in clients.keys() - {reader}:
                read = await arrivals.message(client, sent[writer])
                assert arrivals.text_of(read) == f"from {writer}"
                assert read["Info"]["MessageSource"]["IsFromMe"] == (reader[:3] == writer[:3])
            assert arrivals.text_of(await arrivals.message(client, by_cyd)) == "from cyd"
            assert arrivals.text_of(await arrivals.message(client, by_bobs_phone)) == "from bob's phone"
        assert len(await control.received(CYD, 4)) == 4
        assert (await control.get("/stats"))["undecryptable"] == 0


async def test_a_device_linked_after_the_first_words_reads_the_next(
    ada: NeonizeClient, new_client: NewClient, control: Control
) -> None:
    group = (await control.post("/groups", owner=CYD, subject="Friends", members=[ADA, BOB]))["id"]
    await ada.send_text(group, "too early for you")
    async with new_client("bob") as bob:
        await link(bob, control, BOB)

        for text in ("welcome", "you two"):
            sent = await ada.send_text(group, text)
            assert arrivals.text_of(await arrivals.message(bob, sent)) == text
        assert [arrivals.text_of(message) for message in arrivals.messages(bob)] == ["welcome", "you two"]


async def test_the_news_of_a_sender_key_is_an_event_of_its_own(ada: NeonizeClient, control: Control) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA]))["id"]

    sent = await control.send(BOB, group, "hello")

    await arrivals.message(ada, sent)
    came = [event["data"] for event in ada.events if event["event"] == "MessageEv"]
    assert [set(message["Message"]) for message in came if message["Info"]["ID"] == sent] == [
        {"senderKeyDistributionMessage"},
        {"conversation"},
    ]


async def test_a_new_subject_is_told_and_shown(ada: NeonizeClient, control: Control) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA]))["id"]

    await ada.call("set_group_name", group, "Old friends")

    told = await ada.wait_for("GroupInfoEv")
    info = await ada.call("get_group_info", group)
    (listed,) = await control.get("/groups")
    assert told["Name"]["Name"] == info["GroupName"]["Name"] == listed["subject"] == "Old friends"
    assert len(info["Participants"]) == 2
    assert [found["JID"]["User"] for found in await ada.call("get_joined_groups")] == [group[:-5]]


async def test_a_client_that_left_a_group_can_neither_write_nor_read(
    ada: NeonizeClient, control: Control
) -> None:
    group = (await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"]
    await ada.send_text(group, "bye")

    await ada.call("leave_group", group)

    with pytest.raises(NeonizeError, match="server returned error 403"):
        await ada.send_text(group, "one more thing")
    in_group = await control.send(BOB, group, "gone at last")
    afterwards = await control.send(BOB, ADA, "only for you")
    await arrivals.message(ada, afterwards)
    assert in_group not in [message["Info"]["ID"] for message in arrivals.messages(ada)]
    assert [message["text"] for message in await control.received(CYD, 2)] == ["bye", "gone at last"]


async def test_nobody_writes_to_a_group_that_is_not_there(ada: NeonizeClient) -> None:
    with pytest.raises(NeonizeError, match="does not exist"):
        await ada.send_text("120363000000000000@g.us", "hello?")
