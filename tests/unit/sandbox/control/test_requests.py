"""What each route of the control API answers when all is well."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.unit.sandbox.control.conftest import ADA, BOB
from tests.unit.sandbox.linked_devices import a_linked_device

if TYPE_CHECKING:
    import httpx

    from infra.sandbox.network.network import Network


async def send(api: httpx.AsyncClient, sender: str, to: str, text: str) -> str:
    """Send a text and give its id."""
    answer = await api.post(f"/phones/{sender}/messages", json={"to": to, "text": text})
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def test_a_bought_phone_is_shown_and_listed_by_number(api: httpx.AsyncClient) -> None:
    bought = await api.post("/phones", json={"number": "14155550099", "name": "Eve"})

    shown = await api.get("/phones/14155550099")
    listed = await api.get("/phones")
    assert bought.status_code == 201
    assert shown.json() == bought.json()
    assert shown.json() == {
        "number": "14155550099",
        "name": "Eve",
        "lid": shown.json()["lid"],
        "available": True,
        "receipts": True,
        "devices": [],
    }
    assert [phone["number"] for phone in listed.json()] == ["14155550099", ADA, BOB]


async def test_a_linked_device_is_shown_until_it_is_unlinked(
    api: httpx.AsyncClient, network: Network
) -> None:
    network.link(a_linked_device(ADA))
    await send(api, BOB, ADA, "hello")

    shown = (await api.get(f"/phones/{ADA}")).json()
    unlinked = await api.post(f"/phones/{ADA}/unlink")

    assert shown["devices"] == [
        {
            "device": 1,
            "jid": f"{ADA}:1@s.whatsapp.net",
            "platform": "test",
            "linked_at": 1_700_000_000,
            "online": False,
            "unconfirmed": 1,
        }
    ]
    assert (unlinked.status_code, unlinked.json()["devices"]) == (200, [])


async def test_a_phone_that_is_switched_stays_so(api: httpx.AsyncClient) -> None:
    await api.patch(f"/phones/{ADA}", json={"receipts": False})
    await api.patch(f"/phones/{ADA}", json={"available": False})

    shown = (await api.get(f"/phones/{ADA}")).json()

    assert (shown["receipts"], shown["available"]) == (False, False)


async def test_a_text_is_received_with_all_that_is_known_of_it(api: httpx.AsyncClient) -> None:
    sent = await send(api, ADA, BOB, "hello")

    (received,) = (await api.get(f"/phones/{BOB}/messages")).json()

    assert received == {
        "number": 1,
        "id": sent,
        "sender": ADA,
        "chat": ADA,
        "from_me": False,
        "received_at": received["received_at"],
        "kind": "text",
        "text": "hello",
        "target": None,
        "media": None,
        "undecryptable": None,
        "duplicate_counter": False,
        "attempt": 0,
    }


async def test_only_newer_messages_are_listed_when_asked_so(api: httpx.AsyncClient) -> None:
    for text in ("one", "two", "three"):
        await send(api, ADA, BOB, text)

    newer = (await api.get(f"/phones/{BOB}/messages", params={"since": 1})).json()

    assert [(message["number"], message["text"]) for message in newer] == [(2, "two"), (3, "three")]


async def test_a_file_is_received_with_the_hash_of_its_bytes(api: httpx.AsyncClient) -> None:
    file = {"data": base64.b64encode(b"picture").decode(), "mime": "image/png", "caption": "look"}

    sent = await api.post(f"/phones/{ADA}/messages", json={"to": BOB, "image": file})

    (received,) = (await api.get(f"/phones/{BOB}/messages")).json()
    digest = hashlib.sha256(b"picture").hexdigest()
    assert sent.status_code == 201
    assert (received["kind"], received["text"]) == ("image", "look")
    assert received["media"] == {"mime": "image/png", "length": 7, "sha256": digest, "problem": None}


async def test_reactions_edits_revocations_and_replies_name_their_target(api: httpx.AsyncClient) -> None:
    first = await send(api, ADA, BOB, "helo")

    answers = [
        await api.post(f"/phones/{ADA}/edit", json={"id": first, "text": "hello"}),
        await api.post(f"/phones/{ADA}/react", json={"id": first, "emoji": "👋"}),
        await api.post(f"/phones/{ADA}/messages", json={"to": BOB, "text": "again", "reply_to": first}),
        await api.post(f"/phones/{ADA}/revoke", json={"id": first}),
    ]

    received = (await api.get(f"/phones/{BOB}/messages", params={"since": 1})).json()
    assert [answer.status_code for answer in answers] == [201] * 4
    assert [message["id"] for message in received] == [answer.json()["id"] for answer in answers]
    assert [(message["kind"], message["text"], message["target"]) for message in received] == [
        ("edit", "hello", first),
        ("reaction", "👋", first),
        ("text", "again", first),
        ("revoke", "", first),
    ]


async def test_receipts_typing_and_presence_are_listed_as_events(api: httpx.AsyncClient) -> None:
    sent = await send(api, ADA, BOB, "hello")

    answers = [
        await api.post(f"/phones/{BOB}/read", json={"id": sent}),
        await api.post(f"/phones/{BOB}/typing", json={"to": ADA}),
        await api.post(f"/phones/{BOB}/typing", json={"to": ADA, "typing": False}),
        await api.post(f"/phones/{ADA}/watch", json={"to": BOB}),
    ]

    events = (await api.get(f"/phones/{ADA}/events")).json()
    assert [answer.status_code for answer in answers] == [204] * 4
    assert events == [
        {"number": 1, "event": "receipt", "kind": "delivered", "sender": BOB, "ids": [sent]},
        {"number": 2, "event": "receipt", "kind": "read", "sender": BOB, "ids": [sent]},
        {"number": 3, "event": "typing", "kind": "composing", "sender": BOB, "ids": []},
        {"number": 4, "event": "typing", "kind": "paused", "sender": BOB, "ids": []},
        {"number": 5, "event": "presence", "kind": "available", "sender": BOB, "ids": []},
    ]
    assert (await api.get(f"/phones/{ADA}/events", params={"since": 4})).json() == events[4:]


async def test_what_is_sent_to_a_group_reaches_its_members(api: httpx.AsyncClient) -> None:
    founded = await api.post("/groups", json={"owner": ADA, "subject": "Friends", "members": [BOB]})
    group = founded.json()["id"]

    await send(api, ADA, group, "hello all")

    (received,) = (await api.get(f"/phones/{BOB}/messages")).json()
    assert founded.status_code == 201
    assert founded.json() == {"id": group, "owner": ADA, "subject": "Friends", "members": [ADA, BOB]}
    assert (await api.get("/groups")).json() == [founded.json()]
    assert (received["chat"], received["sender"], received["text"]) == (group, ADA, "hello all")


async def test_faults_can_be_ordered_and_taken_back(api: httpx.AsyncClient) -> None:
    ordered = await api.post("/faults", json={"kind": "send-error-463", "number": ADA, "count": 2})
    for_everybody = await api.post("/faults", json={"kind": "offline", "seconds": 3.5})
    cleared = await api.delete("/faults")

    assert (ordered.status_code, for_everybody.status_code, cleared.status_code) == (202, 202, 204)


async def test_the_counters_tell_what_was_received(api: httpx.AsyncClient) -> None:
    await send(api, ADA, BOB, "hello")

    stats = (await api.get("/stats")).json()

    assert stats.pop("received_by_phones") == 1
    assert set(stats) == {
        *("connections", "connections_total", "handshakes_failed", "malformed"),
        *("messages_in", "messages_repeated", "messages_out"),
        *("undecryptable", "duplicate_counters", "receipts_lost", "retry_receipts_in", "retry_receipts_out"),
    }
    assert set(stats.values()) == {0}


async def test_the_openapi_document_tells_every_route_in_a_few_words(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()

    routes = {
        (method.upper(), path): operation["summary"]
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }
    of_a_phone = (
        "scan",
        "enter-code",
        "unlink",
        "messages",
        "read",
        "typing",
        "watch",
        "react",
        "edit",
        "revoke",
    )
    assert set(routes) == {
        *(("GET", path) for path in ("/phones", "/phones/{number}", "/groups", "/stats")),
        *(("GET", f"/phones/{{number}}/{what}") for what in ("messages", "events")),
        *(("POST", path) for path in ("/phones", "/groups", "/faults")),
        *(("POST", f"/phones/{{number}}/{what}") for what in of_a_phone),
        ("PATCH", "/phones/{number}"),
        ("DELETE", "/faults"),
    }
    assert all(3 <= len(summary) <= 60 for summary in routes.values())
