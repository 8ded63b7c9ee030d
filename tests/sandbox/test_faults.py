"""Faults that end a connection: what the real neonize makes of each, and whether it comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.conftest import ADA, BOB, Control, link

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]

COMES_BACK = 30.0  # whatsmeow waits 0, 2, 4, 6 … seconds between its attempts


@pytest.fixture
async def bob(new_client: NewClient, control: Control) -> AsyncIterator[NeonizeClient]:
    """A client that is linked to Bob's phone."""
    async with new_client("bob") as client:
        await link(client, control, BOB)
        yield client


def seen(client: NeonizeClient, name: str, since: int = 0) -> list[dict[str, Any]]:
    """Give the data of all events of a name after a mark."""
    return [event["data"] for event in client.events[since:] if event["event"] == name]


async def link_and_leave(new_client: NewClient, control: Control) -> None:
    """Leave the database of a linked client behind, and no process."""
    async with new_client() as client:
        await link(client, control)
        await client.kill()


async def is_online(control: Control, number: str) -> bool:
    """Say whether the one device of a number is connected."""
    (device,) = (await control.get(f"/phones/{number}"))["devices"]
    return bool(device["online"])


async def can_send(client: NeonizeClient, control: Control, text: str) -> bool:
    """Say whether Bob's phone reads what a client sends him now."""
    sent = await client.send_text(BOB, text)
    (message,) = await control.received(BOB, where=lambda message: message["id"] == sent)
    return bool(message["text"] == text)


@pytest.mark.parametrize("kind", ["close", "stream-error-503", "offline"])
async def test_a_client_notices_that_it_was_cut_off_and_comes_back(
    ada: NeonizeClient, control: Control, kind: str
) -> None:
    before = ada.mark()

    await control.fault(kind)

    await ada.wait_for("DisconnectedEv", since=before)
    await ada.wait_for("ConnectedEv", since=before, within=COMES_BACK)
    assert await can_send(ada, control, "back")


async def test_after_a_restart_a_client_comes_back_without_having_noticed(
    ada: NeonizeClient, control: Control
) -> None:
    before = ada.mark()

    await control.fault("restart-515")

    await ada.wait_for("ConnectedEv", since=before, within=COMES_BACK)
    assert not seen(ada, "DisconnectedEv", before)
    assert await can_send(ada, control, "back")


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("replaced", "StreamReplacedEv"),
        ("temporary-ban", "TemporaryBanEv"),
        ("client-outdated", "ClientOutdatedEv"),
    ],
)
async def test_a_client_that_is_sent_away_stays_away_until_it_is_started_anew(
    ada: NeonizeClient, bob: NeonizeClient, control: Control, new_client: NewClient, *, kind: str, event: str
) -> None:
    await control.fault(kind)
    await ada.wait_for(event)
    await control.stats_when(lambda stats: stats["connections"] == 1)

    # Whoever is only cut off is back at once: when Bob is, Ada would be.
    before = bob.mark()
    await control.fault("close", BOB)
    await bob.wait_for("ConnectedEv", since=before, within=COMES_BACK)
    assert not await is_online(control, ADA)

    await ada.kill()
    async with new_client("ada") as restarted:
        await restarted.connect()
        await restarted.wait_for("ConnectedEv")


async def test_a_client_that_is_logged_out_forgets_its_device_and_stays_away(
    ada: NeonizeClient, bob: NeonizeClient, control: Control, new_client: NewClient
) -> None:
    await control.fault("logged-out")

    logged_out = await ada.wait_for("LoggedOutEv")
    assert not logged_out["OnConnect"]
    before = bob.mark()
    await control.fault("close", BOB)
    await bob.wait_for("ConnectedEv", since=before, within=COMES_BACK)
    assert (await control.get(f"/phones/{ADA}"))["devices"] == []

    await ada.kill()
    async with new_client("ada") as restarted:
        await restarted.connect()
        await restarted.wait_for("Qr")


async def test_a_device_that_was_logged_out_while_it_was_off_learns_it_when_it_connects(
    new_client: NewClient, control: Control
) -> None:
    await link_and_leave(new_client, control)
    await control.fault("logged-out")

    async with new_client() as client:
        await client.connect()

        logged_out = await client.wait_for("LoggedOutEv")
        assert logged_out == {"OnConnect": True, "Reason": "LOGGED_OUT"}
        await client.kill()


async def test_a_ban_says_why_and_how_long_and_ends_when_faults_are_taken_back(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await link(client, control)
        await control.fault("temporary-ban", seconds=600)
        await client.wait_for("TemporaryBanEv")

    async with new_client() as client:
        await client.connect()
        ban = await client.wait_for("TemporaryBanEv")
        assert ban["Code"] == "SEND_TO_TOO_MANY_PEOPLE"
        assert 500 < int(ban["Expire"]) <= 600

    (await control.http.delete("/faults")).raise_for_status()
    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")


async def test_a_fault_for_somebody_who_is_off_happens_when_they_come(
    new_client: NewClient, control: Control
) -> None:
    await link_and_leave(new_client, control)
    await control.fault("replaced")

    async with new_client() as client:
        await client.connect()

        await client.wait_for("StreamReplacedEv")
        await client.kill()


async def test_a_fault_happens_as_often_as_it_was_ordered(ada: NeonizeClient, control: Control) -> None:
    before = ada.mark()
    connections = (await control.get("/stats"))["connections_total"]

    await control.fault("stream-error-503", count=2)

    await control.stats_when(lambda stats: stats["connections_total"] == connections + 2)
    await ada.wait_for("OfflineSyncCompletedEv", since=before, within=COMES_BACK)
    assert await can_send(ada, control, "back")
    assert (await control.get("/stats"))["connections_total"] == connections + 2


async def test_while_a_number_is_offline_it_stays_out_and_others_stay_in(
    ada: NeonizeClient, bob: NeonizeClient, control: Control
) -> None:
    before = ada.mark()

    await control.fault("offline", seconds=3600)
    await ada.wait_for("DisconnectedEv", since=before)
    assert await can_send(bob, control, "I am still here")
    assert not seen(bob, "DisconnectedEv")
    assert not await is_online(control, ADA)

    (await control.http.delete("/faults")).raise_for_status()
    await ada.wait_for("ConnectedEv", since=before, within=COMES_BACK)


@pytest.mark.parametrize(("kind", "how_long"), [("close", {}), ("offline", {"seconds": 1.0})])
async def test_everybody_can_be_cut_off_and_comes_back(
    ada: NeonizeClient, bob: NeonizeClient, control: Control, *, kind: str, how_long: dict[str, float]
) -> None:
    marks = {client: client.mark() for client in (ada, bob)}

    await control.fault(kind, None, **how_long)

    for client, before in marks.items():
        await client.wait_for("DisconnectedEv", since=before)
        await client.wait_for("ConnectedEv", since=before, within=COMES_BACK)


async def test_a_client_that_is_cut_off_while_it_shows_a_qr_has_to_be_started_anew(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await client.connect()
        code = (await client.wait_for("Qr"))["text"]
        await control.fault("close", None)

        await control.stats_when(lambda stats: stats["connections"] == 0)
        late = await control.http.post(f"/phones/{ADA}/scan", json={"code": code})
        assert late.status_code == 410
        await client.kill()

    async with new_client() as client:
        await link(client, control)


async def test_a_client_cannot_start_while_the_sandbox_is_off_line(
    new_client: NewClient, control: Control
) -> None:
    await link_and_leave(new_client, control)
    await control.fault("offline", None)

    async with new_client() as client:
        await client.connect()
        refused = await client.wait_for("ConnectReturned")
        assert refused["error"].startswith("failed to dial")

    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")
