"""Whatever is asked of the control API, it is never the sandbox's fault, and every error is a problem."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.sandbox.control.conftest import ADA, BOB, NOBODY

if TYPE_CHECKING:
    import httpx

LAST_ID = "the id of the last message"

TEXTS = st.text(max_size=40)
NUMBERS = st.sampled_from([ADA, BOB, NOBODY]) | st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)
FILES = st.fixed_dictionaries({"data": st.just("aGVsbG8=") | TEXTS, "mime": st.just("image/png") | TEXTS})
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "number": NUMBERS,
    "name": TEXTS,
    "receipts": st.booleans(),
    "available": st.booleans(),
    "code": TEXTS | st.lists(TEXTS, min_size=4, max_size=5).map(",".join),
    "to": NUMBERS | TEXTS.map(lambda text: f"{text}@g.us"),
    "text": TEXTS,
    "image": FILES,
    "reply_to": st.just(LAST_ID) | TEXTS,
    "id": st.just(LAST_ID) | TEXTS,
    "emoji": TEXTS,
    "typing": st.booleans(),
    "owner": NUMBERS,
    "subject": TEXTS,
    "members": st.lists(NUMBERS, max_size=3),
    "kind": st.sampled_from(["close", "offline", "drop-ack", "slow-ack", "logged-out", "earthquake"]),
    "count": st.integers(-1, 5),
    "seconds": st.floats(0, 100_000),
}
ROUTES = {
    ("POST", "/phones"): ("number", "name"),
    ("PATCH", "/phones/{number}"): ("receipts", "available"),
    ("POST", "/phones/{number}/scan"): ("code",),
    ("POST", "/phones/{number}/enter-code"): ("code",),
    ("POST", "/phones/{number}/unlink"): (),
    ("POST", "/phones/{number}/messages"): ("to", "text", "image", "reply_to"),
    ("POST", "/phones/{number}/read"): ("id",),
    ("POST", "/phones/{number}/typing"): ("to", "typing"),
    ("POST", "/phones/{number}/watch"): ("to",),
    ("POST", "/phones/{number}/react"): ("id", "emoji"),
    ("POST", "/phones/{number}/edit"): ("id", "text"),
    ("POST", "/phones/{number}/revoke"): ("id",),
    ("POST", "/groups"): ("owner", "subject", "members"),
    ("POST", "/faults"): ("kind", "number", "count", "seconds"),
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, Any]:
    """Give a method, a path and a body that is right, or almost, or not at all."""
    (method, path), names = draw(st.sampled_from(list(ROUTES.items())))
    right = {name: FIELDS[name] for name in names}
    almost = {name: values | ANYTHING for name, values in right.items()}
    body = draw(
        st.fixed_dictionaries(right)
        | st.fixed_dictionaries({}, optional=right)
        | st.fixed_dictionaries({}, optional=almost)
        | ANYTHING
    )
    return method, path.format(number=draw(st.just(ADA) | NUMBERS)), body


@given(asked=requests())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_request_is_answered_or_refused_with_a_reason(
    api: httpx.AsyncClient, asked: tuple[str, str, Any]
) -> None:
    method, path, body = asked
    sent = await api.post(f"/phones/{ADA}/messages", json={"to": BOB, "text": "hello"})
    if isinstance(body, dict):
        body = {name: sent.json()["id"] if value == LAST_ID else value for name, value in body.items()}

    answer = await api.request(method, path, json=body)

    assert answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
    if answer.is_error:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    for shown in ("/phones", "/groups", f"/phones/{ADA}/messages", f"/phones/{BOB}/events"):
        assert (await api.get(shown)).is_success


async def test_every_route_with_a_body_is_tried(api: httpx.AsyncClient) -> None:
    document = (await api.get("/schema/openapi.json")).json()

    with_a_body = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }

    assert with_a_body <= set(ROUTES)
