"""What the control API answers to what it cannot do: a problem, and the field that is to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.sandbox.control.conftest import ADA, BOB, NOBODY

if TYPE_CHECKING:
    import httpx

JSON = {"content-type": "application/json"}
MESSAGES = f"/phones/{ADA}/messages"
PNG = {"data": "aGVsbG8=", "mime": "image/png"}


async def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Give the problem that an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["code"]
    assert told["detail"]
    return told


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/phones", {"number": 14155550105, "name": "Eve"}, "number"),
        ("/phones", {"number": "+1 415 555", "name": "Eve"}, "number"),
        ("/phones", {"number": "14155550105", "name": ""}, "name"),
        ("/phones", {"name": "Eve"}, "number"),
        ("/phones", {"number": "14155550105", "name": "Eve", "age": 5}, "age"),
        (MESSAGES, {"text": "hello"}, "to"),
        (MESSAGES, {"to": BOB, "text": ""}, "text"),
        (MESSAGES, {"to": BOB, "text": "x" * 65_537}, "text"),
        (MESSAGES, {"to": BOB, "text": ["hello"]}, "text"),
        (MESSAGES, {"to": BOB, "image": PNG | {"data": "?"}}, "image.data"),
        (MESSAGES, {"to": BOB, "video": PNG | {"mime": "video"}}, "video.mime"),
        (MESSAGES, {"to": BOB, "document": {"data": "aGVsbG8="}}, "document.mime"),
        (MESSAGES, {"to": BOB, "audio": PNG | {"bitrate": 1}}, "audio.bitrate"),
        (f"/phones/{ADA}/scan", {"qr": "…"}, "qr"),
        (f"/phones/{ADA}/scan", {"code": ""}, "code"),
        (f"/phones/{ADA}/enter-code", {"code": None}, "code"),
        (f"/phones/{ADA}/read", {"id": 1}, "id"),
        (f"/phones/{ADA}/typing", {"to": BOB, "typing": "yes"}, "typing"),
        (f"/phones/{ADA}/watch", {}, "to"),
        (f"/phones/{ADA}/react", {"id": "A", "emoji": "x" * 33}, "emoji"),
        (f"/phones/{ADA}/edit", {"id": "A"}, "text"),
        ("/groups", {"owner": ADA, "subject": "", "members": [BOB]}, "subject"),
        ("/groups", {"owner": ADA, "subject": "Friends", "members": []}, "members"),
        ("/groups", {"owner": ADA, "subject": "Friends", "members": [BOB, "Cyd"]}, "members[1]"),
        ("/faults", {"number": ADA}, "kind"),
        ("/faults", {"number": ADA, "kind": "earthquake"}, "kind"),
        ("/faults", {"number": ADA, "kind": "close", "count": -1}, "count"),
        ("/faults", {"number": ADA, "kind": "close", "count": 1.5}, "count"),
        ("/faults", {"number": ADA, "kind": "close", "seconds": 0}, "seconds"),
        ("/faults", {"number": ADA, "kind": "close", "seconds": 1e9}, "seconds"),
    ],
)
async def test_a_field_of_the_wrong_form_is_named(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], field: str
) -> None:
    answer = await api.post(path, json=body)

    told = await problem(answer, 400)
    assert (told["code"], told["field"]) == ("bad-request", field)


@pytest.mark.parametrize(
    ("path", "body", "code", "field"),
    [
        (f"/phones/{NOBODY}/messages", {"to": BOB, "text": "hello"}, "no-such-phone", "number"),
        (f"/phones/{NOBODY}/unlink", {}, "no-such-phone", "number"),
        (MESSAGES, {"to": NOBODY, "text": "hello"}, "no-such-phone", "to"),
        (MESSAGES, {"to": "120363@g.us", "text": "hello"}, "no-such-group", "to"),
        (MESSAGES, {"to": BOB, "text": "hello", "reply_to": "A"}, "no-such-message", "reply_to"),
        (f"/phones/{ADA}/read", {"id": "A"}, "no-such-message", "id"),
        (f"/phones/{ADA}/react", {"id": "A", "emoji": "👋"}, "no-such-message", "id"),
        (f"/phones/{ADA}/edit", {"id": "A", "text": "hello"}, "no-such-message", "id"),
        (f"/phones/{ADA}/revoke", {"id": "A"}, "no-such-message", "id"),
        (f"/phones/{ADA}/typing", {"to": NOBODY}, "no-such-phone", "to"),
        (f"/phones/{ADA}/watch", {"to": NOBODY}, "no-such-phone", "to"),
        ("/groups", {"owner": NOBODY, "subject": "Friends", "members": [BOB]}, "no-such-phone", "owner"),
        ("/groups", {"owner": ADA, "subject": "Friends", "members": [NOBODY]}, "no-such-phone", "members"),
        ("/faults", {"number": NOBODY, "kind": "close"}, "no-such-phone", "number"),
        ("/faults", {"number": NOBODY, "kind": "drop-ack"}, "no-such-phone", "number"),
    ],
)
async def test_what_is_not_there_is_told_with_the_field_that_names_it(
    api: httpx.AsyncClient, path: str, body: dict[str, Any], *, code: str, field: str
) -> None:
    answer = await api.post(path, json=body)

    told = await problem(answer, 404)
    assert (told["code"], told["field"]) == (code, field)


@pytest.mark.parametrize(
    "content",
    [{}, {"text": "hello", "image": PNG}, {"image": PNG, "video": PNG}, {"image": PNG, "reply_to": "A"}],
)
async def test_a_message_has_exactly_one_content(api: httpx.AsyncClient, content: dict[str, Any]) -> None:
    answer = await api.post(MESSAGES, json={"to": BOB, **content})

    assert "text" in (await problem(answer, 400))["detail"]


async def test_a_number_can_be_bought_once(api: httpx.AsyncClient) -> None:
    answer = await api.post("/phones", json={"number": ADA, "name": "Another Ada"})

    told = await problem(answer, 409)
    assert (told["code"], told["field"]) == ("phone-exists", "number")


async def test_whoever_is_not_in_a_group_cannot_send_to_it(api: httpx.AsyncClient) -> None:
    founded = await api.post("/groups", json={"owner": BOB, "subject": "Without Ada", "members": [BOB]})

    answer = await api.post(MESSAGES, json={"to": founded.json()["id"], "text": "hello"})

    told = await problem(answer, 403)
    assert (told["code"], told["field"]) == ("not-in-group", "to")


@pytest.mark.parametrize(
    ("fault", "field"), [({"kind": "replaced"}, "number"), ({"kind": "slow-ack", "number": ADA}, "seconds")]
)
async def test_a_fault_that_cannot_happen_like_this_is_refused(
    api: httpx.AsyncClient, fault: dict[str, str], field: str
) -> None:
    answer = await api.post("/faults", json=fault)

    assert (await problem(answer, 422))["field"] == field


@pytest.mark.parametrize(
    ("path", "code"),
    [("scan", "no QR"), ("scan", "ref,key,key,key"), ("scan", "ref,é,é,é"), ("enter-code", "1")],
)
async def test_what_is_no_code_is_refused(api: httpx.AsyncClient, path: str, code: str) -> None:
    answer = await api.post(f"/phones/{ADA}/{path}", json={"code": code})

    told = await problem(answer, 422)
    assert (told["code"], told["field"]) == ("not-a-code", "code")


@pytest.mark.parametrize("since", ["-1", "soon", "1.5"])
async def test_a_bad_place_to_start_from_is_named(api: httpx.AsyncClient, since: str) -> None:
    answer = await api.get(MESSAGES, params={"since": since})

    assert (await problem(answer, 400))["field"] == "since"


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff", b'{"number": "\\ud800"}', b"1" * 5000])
async def test_a_body_that_is_no_json_object_is_refused(api: httpx.AsyncClient, body: bytes) -> None:
    answer = await api.post("/phones", content=body, headers=JSON)

    await problem(answer, 400)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(api: httpx.AsyncClient, kind: str) -> None:
    body = b'{"kind": "offline", "seconds": 60}'

    answer = await api.post("/faults", content=body, headers={"content-type": kind})

    assert "application/json" in (await problem(answer, 415))["detail"]


async def test_a_huge_body_is_refused_unread(api: httpx.AsyncClient) -> None:
    answer = await api.post("/phones", content=b"{}", headers=JSON | {"content-length": str(1 << 40)})

    await problem(answer, 413)


async def test_a_file_that_is_too_large_is_refused(api: httpx.AsyncClient) -> None:
    large = PNG | {"data": "A" * 4000}

    answer = await api.post(MESSAGES, json={"to": BOB, "document": large})

    told = await problem(answer, 413)
    assert (told["code"], told["field"]) == ("file-too-large", "document")


async def test_unknown_paths_and_methods_are_told_apart(api: httpx.AsyncClient) -> None:
    await problem(await api.get("/telephones"), 404)
    await problem(await api.put("/phones", json={}), 405)
    await problem(await api.delete("/stats"), 405)


@pytest.mark.parametrize(
    "host", ["attacker.example", "127.0.0.1.attacker.example", "127.0.0.1:port", "[::1]", ""]
)
async def test_only_names_of_this_machine_are_answered_to(api: httpx.AsyncClient, host: str) -> None:
    for path in ("/stats", "/phones", "/schema/openapi.json"):
        await problem(await api.get(path, headers={"host": host}), 403)

    assert (await api.get("/stats", headers={"host": "localhost:8080"})).status_code == 200
