"""Linking: QRs in four forms, pairing codes, and waiting for either."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import png
import pytest
import qrcode

from infra.contract.calls import PairingCodeShown, PairingCodeWanted, Refused
from infra.contract.session import DisconnectReason, SessionStatus
from tests.api.gateway import NUMBER, SUPPORT

if TYPE_CHECKING:
    from tests.api.gateway import Gateway

CODE = "2@qkT7vU4hQ0dY,5Fh1Y3l8kq2Y0xw0o4b1l2,9Jx3l4k5,abcdEFGHijklMNOP=,1"
QR = "/v1/sessions/support/qr"
_QUIET_ZONE = 4


def the_modules() -> list[list[bool]]:
    """Give the modules that a scanner must see: true is dark."""
    qr = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_L, border=_QUIET_ZONE)
    qr.add_data(CODE)
    modules: list[list[bool]] = qr.get_matrix()
    return modules


def modules_of_png(image: bytes) -> list[list[bool]]:
    """Read one pixel in the middle of each module."""
    width, _height, rows, info = png.Reader(file=io.BytesIO(image)).read()
    assert (info["planes"], info["bitdepth"]) == (1, 1)
    pixels = [list(row) for row in rows]
    size = width // len(the_modules())
    return [[row[x] == 0 for x in range(size // 2, width, size)] for row in pixels[size // 2 :: size]]


async def test_the_qr_as_json_carries_its_text_its_end_and_a_picture(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE, seconds=20)

    answer = await gateway.http.get(QR)

    shown = answer.json()
    assert (answer.status_code, shown["code"]) == (200, CODE)
    assert shown["expires_at"] == "2026-01-01T12:00:20Z"
    scheme, _, picture = shown["png"].partition(",")
    assert scheme == "data:image/png;base64"
    assert modules_of_png(base64.b64decode(picture)) == the_modules()


async def test_the_qr_as_png_shows_every_module(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE)

    answer = await gateway.http.get(QR, headers={"Accept": "image/png"})

    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["vary"] == "Accept"
    assert modules_of_png(answer.content) == the_modules()


async def test_the_qr_as_svg_is_dark_on_white(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE)

    answer = await gateway.http.get(QR, headers={"Accept": "image/svg+xml;q=0.9, image/webp"})

    drawing = ET.fromstring(answer.content)  # noqa: S314  our own answer
    background, modules = drawing.find("{*}rect"), drawing.find("{*}path")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert background is not None
    assert background.get("fill") == "white"
    assert modules is not None
    assert modules.get("d", "").count("M") == sum(map(sum, the_modules()))


async def test_the_qr_as_text_has_two_modules_to_a_character(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE)

    answer = await gateway.http.get(QR, headers={"Accept": "text/plain"})

    light_over_light, light_over_dark, dark_over_light, dark_over_dark = "█▀▄ "
    pairs = {
        light_over_light: (False, False),
        light_over_dark: (False, True),
        dark_over_light: (True, False),
        dark_over_dark: (True, True),
    }
    lines = answer.text.splitlines()
    drawn = [[pairs[character][half] for character in line] for line in lines for half in (0, 1)]
    modules = the_modules()
    assert drawn[: len(modules)] == modules


async def test_a_form_that_cannot_be_given_is_a_problem(gateway: Gateway) -> None:
    await gateway.create()

    answer = await gateway.http.get(QR, headers={"Accept": "image/webp"})

    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


async def test_the_qr_can_be_waited_for(gateway: Gateway) -> None:
    await gateway.create()
    gateway.meanwhile = lambda: gateway.offer(CODE)

    answer = await gateway.http.get(QR, headers={"Prefer": "wait=20"})

    assert (answer.status_code, answer.json()["code"]) == (200, CODE)
    assert answer.headers["preference-applied"] == "wait=20"


async def test_without_a_wait_a_qr_that_is_not_there_yet_is_a_problem_at_once(gateway: Gateway) -> None:
    await gateway.create()

    answer = await gateway.http.get(QR)

    assert (answer.status_code, answer.json()["code"]) == (409, "session_not_ready")
    assert answer.headers["retry-after"] == "1"
    assert gateway.pauses == []


async def test_a_qr_that_has_expired_is_not_shown(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE, seconds=20)
    gateway.clock.go_on(20)

    answer = await gateway.http.get(QR)

    assert answer.json()["code"] == "session_not_ready"


@pytest.mark.parametrize(
    ("status", "code"),
    [(SessionStatus.LOGGED_OUT, "session_logged_out"), (SessionStatus.FAILED, "session_failed")],
)
async def test_a_session_that_has_ended_says_so_and_is_not_waited_for(
    gateway: Gateway, status: SessionStatus, code: str
) -> None:
    await gateway.create()
    gateway.report(status, reason=DisconnectReason.LINK_TIMED_OUT)

    answer = await gateway.http.get(QR, headers={"Prefer": "wait=20"})

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert "link_timed_out" in answer.json()["detail"]
    assert gateway.pauses == []


async def test_a_stopped_and_a_linked_session_have_no_qr(gateway: Gateway) -> None:
    await gateway.create("stopped", start=False)
    await gateway.linked("linked")

    stopped = await gateway.http.get("/v1/sessions/stopped/qr")
    linked = await gateway.http.get("/v1/sessions/linked/qr")

    assert stopped.json()["code"] == "session_stopped"
    assert linked.json()["code"] == "session_linked"


async def test_a_pairing_code_is_asked_for_by_digits_and_shown(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE)
    asked: list[object] = []

    def show() -> None:
        calls = gateway.calls.open_for(SUPPORT, now=gateway.clock.now())
        asked.extend(call.question for call in calls)
        gateway.answer(PairingCodeShown("ABCD-1234", gateway.clock.now() + timedelta(minutes=3)))

    gateway.meanwhile = show

    answer = await gateway.http.post(
        "/v1/sessions/support/pairing-code", json={"phone_number": "+1 (415) 555-0100"}
    )

    assert (answer.status_code, answer.json()["code"]) == (200, "ABCD-1234")
    assert asked == [PairingCodeWanted(NUMBER)]


async def test_a_pairing_code_that_whatsapp_refuses_is_a_problem(gateway: Gateway) -> None:
    await gateway.create()
    gateway.offer(CODE)
    gateway.meanwhile = lambda: gateway.answer(Refused("rate_limited"))

    answer = await gateway.http.post(
        "/v1/sessions/support/pairing-code", json={"phone_number": "+14155550100"}
    )

    assert (answer.status_code, answer.json()["code"]) == (502, "whatsapp_refused")
    assert "rate_limited" in answer.json()["detail"]


async def test_the_whole_wait_for_a_pairing_code_is_as_long_as_preferred(gateway: Gateway) -> None:
    await gateway.create()
    gateway.meanwhile = lambda: gateway.offer(CODE)

    answer = await gateway.http.post(
        "/v1/sessions/support/pairing-code",
        json={"phone_number": "+14155550100"},
        headers={"Prefer": "wait=3"},
    )

    assert (answer.status_code, answer.json()["code"]) == (504, "connector_silent")
    assert gateway.clock.monotonic() == pytest.approx(3)


@pytest.mark.parametrize("number", ["hello", "+1 415", "12345678901234567890", "+14155550100 ext 5"])
async def test_what_is_no_phone_number_is_refused_by_its_field(gateway: Gateway, number: str) -> None:
    await gateway.create()

    answer = await gateway.http.post("/v1/sessions/support/pairing-code", json={"phone_number": number})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_phone_number")
    assert answer.json()["field"] == "phone_number"
