"""Which error the control API answers with what: statuses and codes are spelled here and nowhere else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException, ValidationException

from infra.sandbox.control.shapes import Problem
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
    from litestar import Request

log = logging.getLogger(__name__)


class BadFieldError(ValueError):
    """A field of the request says something that cannot be."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


_PROBLEMS: dict[type[Exception], tuple[int, str, str | None]] = {
    AccountExistsError: (409, "phone-exists", "number"),
    NoSuchAccountError: (404, "no-such-phone", "number"),
    NoSuchGroupError: (404, "no-such-group", "to"),
    NotInGroupError: (403, "not-in-group", "to"),
    NoSuchMessageError: (404, "no-such-message", "id"),
    BadCodeError: (422, "not-a-code", "code"),
    ExpiredCodeError: (410, "code-expired", "code"),
    NoCodeOfferedError: (409, "no-code-offered", None),
    WrongCodeError: (422, "wrong-code", "code"),
    BadCountersignatureError: (502, "bad-countersignature", None),
    LinkingRefusedError: (502, "linking-refused", None),
}


def known_problem(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an error of ours."""
    status, code, field = _PROBLEMS[type(error)]
    return _answer(Problem(status, code, str(error), field))


def bad_field(_request: Request[Any, Any, Any], error: BadFieldError) -> Response[bytes]:
    """Answer a request with an impossible field."""
    return _answer(Problem(422, "bad-field", str(error), error.field))


def bad_request(_request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    """Answer a request that does not have the form it should have; name the first field that is wrong."""
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    return _answer(Problem(400, "bad-request", first.get("message") or error.detail, first.get("key")))


def http_problem(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the router itself refuses."""
    return _answer(Problem(error.status_code, "http-error", error.detail))


def our_fault(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what should not have happened: the trace goes to the log, never to the client."""
    log.error("control_request_failed", exc_info=error)
    return _answer(Problem(500, "internal-error", "the sandbox failed; its log says more"))


_ALL: list[tuple[type[Exception], Any]] = [
    *((error, known_problem) for error in _PROBLEMS),
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
