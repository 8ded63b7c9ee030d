"""The catalogue of problems: complete, documented, and what every error is answered with."""

from __future__ import annotations

import re
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from control_plane.answers import EXCEPTION_HANDLERS
from control_plane.problems import CATALOGUE, Code, ProblemError, catalogue_as_markdown, problem_of
from infra.aws.errors import StackMissingError, ThrottledError

if TYPE_CHECKING:
    from tests.api.gateway import Gateway

ROOT = Path(__file__).parents[2]


def test_the_catalogue_has_every_code_in_snake_case_and_with_a_remedy() -> None:
    assert set(CATALOGUE) == set(Code)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in Code)
    assert all(400 <= kind.status < 600 and kind.title and kind.remedy for kind in CATALOGUE.values())


def test_the_documentation_has_the_catalogue_word_by_word() -> None:
    assert catalogue_as_markdown() in (ROOT / "docs/problems.md").read_text()


def test_the_openapi_document_lists_every_problem(gateway: Gateway) -> None:
    document = gateway.app.openapi_schema.to_schema()

    described = document["info"]["description"]
    assert [code for code in Code if f"`{code}`" not in described] == []
    assert document["components"]["schemas"]["Code"]["enum"] == list(Code)


def test_every_code_is_raised_somewhere() -> None:
    sources = (ROOT / "control_plane").rglob("*.py")

    text = "".join(path.read_text() for path in sources if path.name != "problems.py")
    assert [code.name for code in Code if f"Code.{code.name}" not in text] == []


def test_statuses_of_errors_are_spelled_in_the_catalogue_alone() -> None:
    errors = "|".join(str(status.value) for status in HTTPStatus if status >= HTTPStatus.BAD_REQUEST)
    spelled = re.compile(rf"\b({errors})\b")
    sources = [path for path in (ROOT / "control_plane").rglob("*.py") if path.name != "problems.py"]

    found = [path.name for path in sources if spelled.search(_without_words(path.read_text()))]

    assert found == []


def test_a_problem_has_what_rfc_9457_asks_for_and_no_empty_field() -> None:
    problem = msgspec.to_builtins(problem_of(ProblemError(Code.NO_SUCH_KEY, "there is no key k")))

    assert problem == {
        "type": "urn:roost:problem:no_such_key",
        "title": "There is no such API key",
        "status": 404,
        "detail": "there is no key k",
        "code": "no_such_key",
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ThrottledError("PutItem: SlowDown"), "storage_busy"),
        (StackMissingError("GetItem: ResourceNotFoundException"), "internal_error"),
        (ZeroDivisionError("a secret of ours"), "internal_error"),
    ],
)
async def test_an_error_of_ours_is_logged_and_its_words_are_not_shown(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, error: Exception, code: str
) -> None:
    def fail() -> None:
        raise error

    await gateway.create()
    gateway.meanwhile = fail

    answer = await gateway.http.get("/v1/sessions/support/qr", headers={"Prefer": "wait=1"})

    assert answer.status_code == CATALOGUE[Code(code)].status
    assert answer.json()["code"] == code
    assert str(error) not in answer.text
    assert "Traceback" not in answer.text
    assert caplog.records[-1].getMessage() in {"request_failed", "storage_busy"}


async def test_what_the_router_refuses_is_a_problem_too(gateway: Gateway) -> None:
    missing = await gateway.http.get("/v2/sessions")
    method = await gateway.http.put("/v1/sessions")
    broken = await gateway.http.post("/v1/sessions", content=b"{")

    codes = [answer.json()["code"] for answer in (missing, method, broken)]
    assert codes == ["no_such_route", "method_not_allowed", "invalid_request"]
    assert {"GET", "POST"} <= set(method.headers["allow"].replace(" ", "").split(","))


def test_no_part_has_the_name_of_a_bodys_field(gateway: Gateway) -> None:
    """Litestar would take such a field, when it is wrong, for a broken part of ours, and answer 500."""
    schemas = gateway.app.openapi_schema.to_schema()["components"]["schemas"]

    accepted = [schema["properties"] for schema in schemas.values() if "additionalProperties" in schema]

    assert accepted
    assert {field for properties in accepted for field in properties}.isdisjoint(gateway.app.dependencies)


def test_every_exception_that_can_reach_the_border_has_its_answer() -> None:
    assert Exception in EXCEPTION_HANDLERS
    assert ProblemError in EXCEPTION_HANDLERS


def _without_words(source: str) -> str:
    """Leave out strings, where a number is no status."""
    return re.sub(r'""".*?"""|"[^"\n]*"', "", source, flags=re.DOTALL)
