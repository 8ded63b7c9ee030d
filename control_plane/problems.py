"""The catalogue of problems: every error that a customer can see, with its stable code and its HTTP status.

The only file that spells statuses of errors. How an exception becomes an answer stands in `answers.py`.
"""

from __future__ import annotations

import enum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:roost:problem:"


class Code(enum.StrEnum):
    """What went wrong, for programs: a code never changes its meaning."""

    INVALID_REQUEST = "invalid_request"
    INVALID_RECIPIENT = "invalid_recipient"
    INVALID_PHONE_NUMBER = "invalid_phone_number"
    ADMIN_NOT_RESTRICTABLE = "admin_not_restrictable"
    KEY_MISSING = "key_missing"
    KEY_INVALID = "key_invalid"
    KEY_EXPIRED = "key_expired"
    SCOPE_MISSING = "scope_missing"
    SESSION_NOT_ALLOWED = "session_not_allowed"
    NO_SUCH_ROUTE = "no_such_route"
    NO_SUCH_SESSION = "no_such_session"
    NO_SUCH_MESSAGE = "no_such_message"
    NO_SUCH_KEY = "no_such_key"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    BODY_TOO_LARGE = "body_too_large"
    SESSION_EXISTS = "session_exists"
    SESSION_STOPPED = "session_stopped"
    SESSION_NOT_LINKED = "session_not_linked"
    SESSION_LINKED = "session_linked"
    SESSION_LOGGED_OUT = "session_logged_out"
    SESSION_FAILED = "session_failed"
    SESSION_NOT_READY = "session_not_ready"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    NOT_CANCELLABLE = "not_cancellable"
    OWN_KEY = "own_key"
    BACKLOG_FULL = "backlog_full"
    INTERNAL_ERROR = "internal_error"
    WHATSAPP_REFUSED = "whatsapp_refused"
    STORAGE_BUSY = "storage_busy"
    STORAGE_UNREACHABLE = "storage_unreachable"
    CONNECTOR_SILENT = "connector_silent"


class Kind(NamedTuple):
    """How a problem is answered, and what it means to whoever reads the documentation."""

    status: int
    title: str
    remedy: str


CATALOGUE: dict[Code, Kind] = {
    Code.INVALID_REQUEST: Kind(
        400, "The request is not of the documented form", "Correct what `field` names."
    ),
    Code.KEY_MISSING: Kind(401, "No API key was given", "Send `Authorization: Bearer roost_…`."),
    Code.KEY_INVALID: Kind(401, "This API key is not known", "Use a key that exists and was not deleted."),
    Code.KEY_EXPIRED: Kind(401, "This API key has expired", "Use its successor, or create a key."),
    Code.SCOPE_MISSING: Kind(403, "The API key may not do this", "Use a key with the scope that is named."),
    Code.SESSION_NOT_ALLOWED: Kind(
        403, "The API key is restricted to other sessions", "Use a key for this session."
    ),
    Code.NO_SUCH_ROUTE: Kind(404, "There is nothing at this path", "See `/api-docs` for the paths."),
    Code.NO_SUCH_SESSION: Kind(404, "There is no such session", "Create it, or check the id's case."),
    Code.NO_SUCH_MESSAGE: Kind(
        404, "There is no such message", "Check the id; messages are kept for a time only."
    ),
    Code.NO_SUCH_KEY: Kind(404, "There is no such API key", "List the keys; an id is not a secret."),
    Code.METHOD_NOT_ALLOWED: Kind(405, "The path does not have this method", "See the `Allow` header."),
    Code.NOT_ACCEPTABLE: Kind(
        406, "None of the accepted media types can be given", "Accept one that is documented."
    ),
    Code.SESSION_EXISTS: Kind(409, "A session of this id exists", "Use it, or choose another id."),
    Code.SESSION_STOPPED: Kind(409, "The session is stopped", "Start it first."),
    Code.SESSION_NOT_LINKED: Kind(
        409, "The session is not linked to a phone", "Link it by QR or code first."
    ),
    Code.SESSION_LINKED: Kind(409, "The session is linked already", "Log it out to link another phone."),
    Code.SESSION_LOGGED_OUT: Kind(409, "The session was logged out", "Start it, and link it again."),
    Code.SESSION_FAILED: Kind(409, "The session has failed", "Read its `last_disconnect`, then start it."),
    Code.SESSION_NOT_READY: Kind(
        409, "The session is not that far yet", "Try again, or wait with `Prefer: wait=20`."
    ),
    Code.IDEMPOTENCY_KEY_REUSED: Kind(
        409, "This Idempotency-Key stands for another message", "Use a new key for a new message."
    ),
    Code.NOT_CANCELLABLE: Kind(
        409, "The message is no longer waiting to be sent", "Only a queued message can be cancelled."
    ),
    Code.OWN_KEY: Kind(409, "This is the key that asks", "Delete it with another key."),
    Code.BODY_TOO_LARGE: Kind(413, "The body is too large", "Send less."),
    Code.INVALID_RECIPIENT: Kind(
        422, "The recipient is not an address", "Give a phone number in international form, or a JID."
    ),
    Code.INVALID_PHONE_NUMBER: Kind(
        422, "This is not a phone number", "Give it in international form, such as +14155550100."
    ),
    Code.ADMIN_NOT_RESTRICTABLE: Kind(
        422,
        "A key with the scope admin cannot be restricted to sessions",
        "Leave out `sessions`, or `admin`.",
    ),
    Code.BACKLOG_FULL: Kind(
        429, "Too many messages of this session wait to be sent", "Try again after `Retry-After`."
    ),
    Code.INTERNAL_ERROR: Kind(500, "The gateway failed", "Try again; the log says more."),
    Code.WHATSAPP_REFUSED: Kind(502, "WhatsApp refused this", "Read `detail`."),
    Code.STORAGE_BUSY: Kind(503, "The storage is too busy", "Try again after `Retry-After`."),
    Code.STORAGE_UNREACHABLE: Kind(503, "The storage does not answer", "Try again after `Retry-After`."),
    Code.CONNECTOR_SILENT: Kind(
        504, "No connector answered in time", "Look at `GET /v1/connectors`, then try again."
    ),
}


class ProblemError(Exception):
    """A request that cannot be done: the code, what is wrong, in which field, when to come again."""

    def __init__(
        self, code: Code, detail: str, *, field: str | None = None, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field
        self.retry_after_seconds = retry_after_seconds


class Problem(msgspec.Struct, frozen=True):
    """An error as RFC 9457 describes it; `code` is for programs, `title` and `detail` are for people."""

    type: Annotated[str, Meta(description="`urn:roost:problem:` and the code")]
    title: Annotated[str, Meta(description="the same for every problem of this code")]
    status: Annotated[int, Meta(description="the HTTP status again")]
    detail: Annotated[str, Meta(description="what was wrong this time")]
    code: Annotated[Code, Meta(description="stable: decide by this one")]
    field: Annotated[str, Meta(description="the one field that was wrong")] | UnsetType = UNSET


def problem_of(error: ProblemError) -> Problem:
    """Give the body of the answer to an error."""
    kind = CATALOGUE[error.code]
    return Problem(
        type=f"{TYPE_PREFIX}{error.code}",
        title=kind.title,
        status=kind.status,
        detail=error.detail,
        code=error.code,
        field=UNSET if error.field is None else error.field,
    )


def catalogue_as_markdown() -> str:
    """Give the catalogue as the table that the documentation shows."""
    rows = (
        f"| `{code}` | {kind.status} | {kind.title} | {kind.remedy} |" for code, kind in CATALOGUE.items()
    )
    return "\n".join(("| code | status | means | what to do |", "| --- | --- | --- | --- |", *rows)) + "\n"
