"""Who is on WhatsApp: numbers, hidden addresses, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, Control

if TYPE_CHECKING:
    from infra.sandbox.server import Sandbox
    from tests.sandbox.neonize_client import NeonizeClient

NOBODY = "14155559999"


async def test_a_number_is_on_whatsapp_only_if_a_phone_has_it(ada: NeonizeClient, sandbox: Sandbox) -> None:
    found = await ada.call("is_on_whatsapp", BOB, NOBODY)

    by_number = {answer["Query"]: answer for answer in found}
    assert (by_number[BOB]["IsIn"], by_number[NOBODY]["IsIn"]) == (True, False)
    assert by_number[BOB]["JID"]["User"] == sandbox.network.directory.get(BOB).lid_user


async def test_a_number_may_be_asked_for_with_a_plus(ada: NeonizeClient) -> None:
    (found,) = await ada.call("is_on_whatsapp", f"+{BOB}")

    assert found["IsIn"]


async def test_a_number_that_gets_a_phone_is_on_whatsapp_from_then_on(
    ada: NeonizeClient, control: Control
) -> None:
    (before,) = await ada.call("is_on_whatsapp", NOBODY)

    await control.post("/phones", number=NOBODY, name="Somebody")

    (after,) = await ada.call("is_on_whatsapp", NOBODY)
    assert (before["IsIn"], after["IsIn"]) == (False, True)
    await ada.send_text(NOBODY, "so you are there")
    assert (await control.received(NOBODY))[0]["text"] == "so you are there"


async def test_the_client_learns_which_hidden_address_is_whose(
    ada: NeonizeClient, control: Control, sandbox: Sandbox
) -> None:
    lid = sandbox.network.directory.get(BOB).lid
    await arrivals.message(ada, await control.send(BOB, ADA, "it is me"))

    assert (await ada.call("get_pn_from_lid", str(lid)))["User"] == BOB
    assert (await ada.call("get_lid_from_pn", f"{BOB}@s.whatsapp.net"))["User"] == lid.user


async def test_the_devices_of_an_account_are_its_phone_and_its_companions(
    ada: NeonizeClient, sandbox: Sandbox
) -> None:
    lid = str(sandbox.network.directory.get(BOB).lid)
    own = str(sandbox.network.directory.get(ADA).lid)

    bobs = await ada.call("get_user_devices", lid)
    adas = await ada.call("get_user_devices", own)

    assert [device.get("Device", 0) for device in bobs] == [0]
    assert [device.get("Device", 0) for device in adas] == [0, 1]
