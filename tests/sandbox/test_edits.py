"""What is done to messages after they were sent: edit, revoke, react, reply, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control

if TYPE_CHECKING:
    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

EDIT, REVOKE = "1", "7"
"""whatsmeow's EditAttributeMessageEdit and EditAttributeSenderRevoke."""


async def test_the_phone_sees_what_the_client_does_to_its_message(
    ada: NeonizeClient, control: Control
) -> None:
    chat = f"{BOB}@s.whatsapp.net"
    sent = await ada.send_text(chat, "helo")

    await ada.call("edit_message", chat, sent, {"conversation": "hello"})
    await ada.call("revoke_message", chat, f"{ADA}@s.whatsapp.net", sent)

    seen = await control.received(BOB, 3)
    assert [(message["kind"], message["text"], message["target"]) for message in seen] == [
        ("text", "helo", None),
        ("edit", "hello", sent),
        ("revoke", "", sent),
    ]


async def test_the_client_sees_what_the_phone_does_to_its_message(
    ada: NeonizeClient, control: Control
) -> None:
    sent = await control.send(BOB, ADA, "helo")

    edited = (await control.post(f"/phones/{BOB}/edit", id=sent, text="hello"))["id"]
    revoked = (await control.post(f"/phones/{BOB}/revoke", id=sent))["id"]

    edit, revoke = [await arrivals.message(ada, message_id) for message_id in (edited, revoked)]
    assert (edit["Info"]["Edit"], revoke["Info"]["Edit"]) == (EDIT, REVOKE)
    assert edit["Message"]["protocolMessage"]["type"] == "MESSAGE_EDIT"
    assert edit["Message"]["protocolMessage"]["key"]["ID"] == sent
    assert edit["Message"]["protocolMessage"]["editedMessage"] == {"conversation": "hello"}
    assert revoke["Message"]["protocolMessage"]["type"] == "REVOKE"
    assert revoke["Message"]["protocolMessage"]["key"]["ID"] == sent


async def test_the_phone_sees_the_clients_reaction_and_its_end(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    bob = str(sandbox.network.directory.get(BOB).lid)
    sent = await control.send(BOB, ADA, "good news")
    await arrivals.message(ada, sent)

    for emoji in ("👍", ""):
        reaction = await ada.call("build_reaction", bob, bob, sent, emoji)
        await ada.call("send_message", bob, reaction)

    seen = await control.received(BOB, 2)
    assert [(message["kind"], message["text"], message["target"]) for message in seen] == [
        ("reaction", "👍", sent),
        ("reaction", "", sent),
    ]


async def test_the_client_sees_the_phones_reaction_and_its_end(ada: NeonizeClient, control: Control) -> None:
    sent = await ada.send_text(BOB, "good news")
    await control.received(BOB)

    on = (await control.post(f"/phones/{BOB}/react", id=sent, emoji="👍"))["id"]
    off = (await control.post(f"/phones/{BOB}/react", id=sent, emoji=""))["id"]

    reactions = [await arrivals.message(ada, message_id) for message_id in (on, off)]
    assert [reaction["Message"]["reactionMessage"].get("text") for reaction in reactions] == ["👍", ""]
    assert {reaction["Message"]["reactionMessage"]["key"]["ID"] for reaction in reactions} == {sent}
    assert {reaction["Info"]["Type"] for reaction in reactions} == {"reaction"}


async def test_the_phone_sees_which_message_the_client_replies_to(
    ada: NeonizeClient, control: Control
) -> None:
    asked = await control.send(BOB, ADA, "tea or coffee?")
    quoted = await arrivals.message(ada, asked)

    replied = (await ada.call("reply_message", "tea", quoted))["ID"]

    (reply,) = await control.received(BOB)
    assert (reply["id"], reply["kind"]) == (replied, "text")
    assert (reply["text"], reply["target"]) == ("tea", asked)


async def test_the_client_sees_which_message_the_phone_replies_to(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    asked = await ada.send_text(BOB, "tea or coffee?")
    await control.received(BOB)

    sent = await control.post(f"/phones/{BOB}/messages", to=ADA, text="tea", reply_to=asked)

    reply = await arrivals.message(ada, sent["id"])
    context = reply["Message"]["extendedTextMessage"]["contextInfo"]
    assert arrivals.text_of(reply) == "tea"
    assert context["stanzaID"] == asked
    assert context["participant"] == str(sandbox.network.directory.get(ADA).lid)
    assert context["quotedMessage"] == {"conversation": "tea or coffee?"}


async def test_members_of_a_group_react_reply_edit_and_revoke(ada: NeonizeClient, control: Control) -> None:
    group = (await control.post("/groups", owner=ADA, subject="Friends", members=[BOB, CYD]))["id"]
    asked = await ada.send_text(group, "tea or coffee?")
    await control.received(BOB)

    done = [
        await control.post(f"/phones/{BOB}/react", id=asked, emoji="🤔"),
        await control.post(f"/phones/{BOB}/messages", to=group, text="tee", reply_to=asked),
    ]
    done.append(await control.post(f"/phones/{BOB}/edit", id=done[1]["id"], text="tea"))
    done.append(await control.post(f"/phones/{BOB}/revoke", id=done[1]["id"]))

    came = [await arrivals.message(ada, sent["id"]) for sent in done]
    assert all(message["Info"]["MessageSource"]["IsGroup"] for message in came)
    seen = await control.received(CYD, 5)
    assert [(message["kind"], message["text"]) for message in seen] == [
        ("text", "tea or coffee?"),
        ("reaction", "🤔"),
        ("text", "tee"),
        ("edit", "tea"),
        ("revoke", ""),
    ]
