"""Which error the control API answers with what: statuses and codes are spelled here and nowhere else."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from infra.sandbox.control.shapes import Problem
from infra.sandbox.media_store import TooLargeError
from infra.sandbox.network.accounts import AccountExistsError, NoSuchAccountError
from infra.sandbox.network.groups import NoSuchGroupError, NotInGroupError
from infra.sandbox.network.registration import LinkingRefusedError
from infra.sandbox.phones.acting import NoSuchMessageError
from infra.sandbox.phones.linking import (
    BadCodeError,
    BadCountersignatureError,
    ExpiredCodeError,
    NoCodeOfferedError,
    WrongCodeError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar import Request

log = logging.getLogger(__name__)


class BadFieldError(ValueError):
    """A field of the request says something that cannot be."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


class BlamedError(Exception):
    """An error whose cause one field of the request is to blame for."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


_PROBLEMS: dict[type[Exception], tuple[int, str, str | None]] = {
    AccountExistsError: (409, "phone-exists", "number"),
    NoSuchAccountError: (404, "no-such-phone", "number"),
    NoSuchGroupError: (404, "no-such-group", None),
    NotInGroupError: (403, "not-in-group", None),
    NoSuchMessageError: (404, "no-such-message", "id"),
    TooLargeError: (413, "file-too-large", None),
    BadCodeError: (422, "not-a-code", "code"),
    ExpiredCodeError: (410, "code-expired", "code"),
    NoCodeOfferedError: (409, "no-code-offered", None),
    WrongCodeError: (422, "wrong-code", "code"),
    BadCountersignatureError: (502, "bad-countersignature", None),
    LinkingRefusedError: (502, "linking-refused", None),
}


_QUOTED = re.compile(r"required field `(.+)`|unknown field `(.+)`")
_WHOLE_BODY = "data"


@contextlib.contextmanager
def blamed_on(field: str) -> Iterator[None]:
    """Tell which field names what is not there."""
    try:
        yield
    except tuple(_PROBLEMS) as error:
        raise BlamedError(field) from error


def known_problem(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an error of ours."""
    status, code, field = _PROBLEMS[type(error)]
    return _answer(Problem(status, code, str(error), field))


def blamed_problem(_request: Request[Any, Any, Any], error: BlamedError) -> Response[bytes]:
    """Answer an error of ours that a field is to blame for."""
    status, code, _ = _PROBLEMS[type(error.__cause__)]  # type: ignore[index]  # `blamed_on` sees to it
    return _answer(Problem(status, code, str(error.__cause__), error.field))


def bad_field(_request: Request[Any, Any, Any], error: BadFieldError) -> Response[bytes]:
    """Answer a request with an impossible field."""
    return _answer(Problem(422, "bad-field", str(error), error.field))


def bad_request(_request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """Answer a request that does not have the form it should have; name the first field that is wrong."""
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    detail, field = str(first.get("message", error.detail)), str(first.get("key", _WHOLE_BODY))
    if detail == f"'{_WHOLE_BODY}'":
        detail = "a JSON object is wanted"
    parts = [] if field == _WHOLE_BODY else [field]
    if (quoted := _QUOTED.search(detail)) is not None:
        parts.append(quoted[1] or quoted[2])
    return _answer(Problem(400, "bad-request", detail, ".".join(parts) or None))


def http_problem(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the router itself refuses."""
    return _answer(Problem(error.status_code, "http-error", error.detail))


def our_fault(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what should not have happened: the trace goes to the log, never to the client."""
    log.error("control_request_failed", exc_info=error)
    return _answer(Problem(500, "internal-error", "the sandbox failed; its log says more"))


_ALL: list[tuple[type[Exception], Any]] = [
    *((error, known_problem) for error in _PROBLEMS),
    (BlamedError, blamed_problem),
    (BadFieldError, bad_field),
    (ValidationException, bad_request),
    (HTTPException, http_problem),
    (Exception, our_fault),
]
HANDLERS: dict[int | type[Exception], Any] = dict(_ALL)


def _answer(problem: Problem) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type="application/problem+json"
    )
