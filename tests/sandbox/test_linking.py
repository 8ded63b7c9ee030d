"""Linking a device, by QR and by code, and logging in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox.conftest import ADA, BOB, Control, link

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[..., NeonizeClient]


async def test_a_scanned_qr_links_the_device(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await client.connect()
        qr = await client.wait_for("Qr")

        linked = await control.post(f"/phones/{ADA}/scan", code=qr["text"])

        status = await client.wait_for("PairStatusEv")
        await client.wait_for("ConnectedEv")
        assert linked == {"device": 1, "jid": f"{ADA}:1@s.whatsapp.net"}
        assert (status["ID"]["User"], status["ID"]["Device"]) == (ADA, 1)
        assert (await control.get(f"/phones/{ADA}"))["devices"][0]["online"]


async def test_a_qr_can_be_scanned_only_once(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await client.connect()
        code = (await client.wait_for("Qr"))["text"]
        await control.post(f"/phones/{ADA}/scan", code=code)

        again = await control.http.post(f"/phones/{BOB}/scan", json={"code": code})

        assert (again.status_code, again.json()["code"]) == (410, "code-expired")


async def test_the_qr_of_a_device_that_hung_up_has_expired(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await client.connect()
        code = (await client.wait_for("Qr"))["text"]

    late = await control.http.post(f"/phones/{ADA}/scan", json={"code": code})

    assert (late.status_code, late.json()["code"]) == (410, "code-expired")


async def test_a_typed_code_links_the_device(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await client.connect()
        await client.wait_for("Qr")
        code = await client.pair_phone(ADA)

        linked = await control.post(f"/phones/{ADA}/enter-code", code=code)

        await client.wait_for("ConnectedEv")
        assert linked["jid"] == f"{ADA}:1@s.whatsapp.net"


async def test_a_wrong_code_is_detected_and_the_right_one_still_links(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await client.connect()
        await client.wait_for("Qr")
        code = await client.pair_phone(ADA)
        other = "1111-1111" if code != "1111-1111" else "2222-2222"

        wrong = await control.http.post(f"/phones/{ADA}/enter-code", json={"code": other})
        right = await control.http.post(f"/phones/{ADA}/enter-code", json={"code": code})

        assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-code")
        assert right.status_code == 200
        await client.wait_for("ConnectedEv")


async def test_a_code_for_another_number_is_not_offered(new_client: NewClient, control: Control) -> None:
    async with new_client() as client:
        await client.connect()
        await client.wait_for("Qr")
        code = await client.pair_phone(ADA)

        answer = await control.http.post(f"/phones/{BOB}/enter-code", json={"code": code})

        assert (answer.status_code, answer.json()["code"]) == (409, "no-code-offered")


async def test_a_linked_device_logs_in_from_its_file_without_a_qr(
    new_client: NewClient, control: Control
) -> None:
    async with new_client() as client:
        await link(client, control)

    async with new_client() as client:
        await client.connect()
        await client.wait_for("ConnectedEv")

        assert not [event for event in client.events if event["event"] == "Qr"]
        assert len((await control.get(f"/phones/{ADA}"))["devices"]) == 1
