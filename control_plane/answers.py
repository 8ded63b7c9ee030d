"""How errors become answers: each exception at the border, and the problem that it is shown as."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.openapi import ResponseSpec

from control_plane.problems import CATALOGUE, MEDIA_TYPE, Code, Problem, ProblemError, problem_of
from infra.aws.errors import ThrottledError, UnreachableError
from infra.aws.pages import BadCursorError

if TYPE_CHECKING:
    from litestar import Request

log = logging.getLogger(__name__)

_EVERYWHERE = (
    Code.INVALID_REQUEST,
    Code.INTERNAL_ERROR,
    Code.STORAGE_BUSY,
    Code.STORAGE_UNREACHABLE,
)
_WITH_A_KEY = (Code.KEY_MISSING, Code.KEY_INVALID, Code.KEY_EXPIRED, Code.SCOPE_MISSING)
_RETRY_AFTER_SECONDS = 2
_BODY = "data"
_NAMED_FIELD = re.compile(r"(?:unknown|required) field `([^`]*)`")
_BODY_TOO_LARGE = CATALOGUE[Code.BODY_TOO_LARGE].status


def may_answer(*codes: Code) -> dict[int, ResponseSpec]:
    """Tell the OpenAPI document which problems a route with a key can answer, besides those of all."""
    return may_answer_without_key(*codes, *_WITH_A_KEY)


def may_answer_without_key(*codes: Code) -> dict[int, ResponseSpec]:
    """Tell the same of a route that needs no key."""
    by_status: dict[int, list[Code]] = {}
    for code in (*codes, *_EVERYWHERE):
        by_status.setdefault(CATALOGUE[code].status, []).append(code)
    return {
        status: ResponseSpec(
            Problem,
            generate_examples=False,
            description="\n".join(f"- `{code}`: {CATALOGUE[code].title}." for code in same_status),
            media_type=MEDIA_TYPE,
        )
        for status, same_status in sorted(by_status.items())
    }


def answer_to(error: ProblemError) -> Response[bytes]:
    """Give the answer to an error of ours."""
    problem = problem_of(error)
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if error.code in {Code.KEY_MISSING, Code.KEY_INVALID, Code.KEY_EXPIRED}:
        headers["WWW-Authenticate"] = 'Bearer realm="roost"'
    return Response(
        msgspec.json.encode(problem), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )


def _known(_request: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    return answer_to(error)


def _bad_form(_request: Request[Any, Any, Any], error: ValidationException) -> Response[bytes]:
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    detail = first.get("message") or error.detail
    return answer_to(ProblemError(Code.INVALID_REQUEST, detail, field=_field(first.get("key"), detail)))


def _field(key: str | None, detail: str) -> str | None:
    """Name the field: Litestar calls the whole body `data`, and msgspec names its field in the message."""
    if key != _BODY:
        return key
    named = _NAMED_FIELD.search(detail)
    return None if named is None else named[1]


def _bad_cursor(_request: Request[Any, Any, Any], _error: BadCursorError) -> Response[bytes]:
    detail = "take the cursor from `next_cursor` of the page before, as it is"
    return answer_to(ProblemError(Code.INVALID_REQUEST, detail, field="cursor"))


def _no_route(request: Request[Any, Any, Any], _error: NotFoundException) -> Response[bytes]:
    return answer_to(ProblemError(Code.NO_SUCH_ROUTE, f"nothing is at {request.url.path}"))


def _no_method(request: Request[Any, Any, Any], error: MethodNotAllowedException) -> Response[bytes]:
    detail = f"{request.url.path} does not have {request.method}"
    answer = answer_to(ProblemError(Code.METHOD_NOT_ALLOWED, detail))
    answer.headers.update(error.headers or {})
    return answer


def _refused_by_litestar(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if error.status_code == _BODY_TOO_LARGE:
        return answer_to(ProblemError(Code.BODY_TOO_LARGE, "the limit is one megabyte"))
    if isinstance(error, ClientException):
        return answer_to(ProblemError(Code.INVALID_REQUEST, error.detail))
    return _our_fault(request, error)


def _busy(_request: Request[Any, Any, Any], error: ThrottledError) -> Response[bytes]:
    log.warning("storage_busy", extra={"reason": str(error)})
    detail = "the storage asked for a pause; nothing of this request was promised"
    return answer_to(ProblemError(Code.STORAGE_BUSY, detail, retry_after_seconds=_RETRY_AFTER_SECONDS))


def _unreachable(_request: Request[Any, Any, Any], error: UnreachableError) -> Response[bytes]:
    log.warning("storage_unreachable", extra={"reason": str(error)})
    detail = "the storage cannot be reached; nothing of this request was promised"
    return answer_to(ProblemError(Code.STORAGE_UNREACHABLE, detail, retry_after_seconds=_RETRY_AFTER_SECONDS))


def _our_fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what should not have happened: the trace goes to the log, never to the customer."""
    log.error("request_failed", exc_info=error, extra={"method": request.method, "path": request.url.path})
    return answer_to(ProblemError(Code.INTERNAL_ERROR, "the gateway failed; its log says more"))


_ALL: list[tuple[type[Exception], Any]] = [
    (ProblemError, _known),
    (ValidationException, _bad_form),
    (BadCursorError, _bad_cursor),
    (NotFoundException, _no_route),
    (MethodNotAllowedException, _no_method),
    (HTTPException, _refused_by_litestar),
    (ThrottledError, _busy),
    (UnreachableError, _unreachable),
    (Exception, _our_fault),
]
EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = dict(_ALL)
