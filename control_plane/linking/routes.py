"""The routes by which a session is linked to a phone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema, Tag

from control_plane.answers import may_answer
from control_plane.asking import USUAL_WAIT
from control_plane.auth import needs
from control_plane.bodies import StrictBody  # noqa: TC001
from control_plane.linking import pictures
from control_plane.linking.linking import Linking  # noqa: TC001
from control_plane.linking.shapes import CodeRequest, CodeView, QrView
from control_plane.parsing import phone_number
from control_plane.problems import Code, ProblemError
from control_plane.sessions.shapes import IdInPath  # noqa: TC001
from control_plane.waiting import Prefer, applied, preferred_wait
from infra.contract.api_keys import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.contract.session import LinkOffer

TAG = Tag("Linking", "A phone links a session by scanning its QR, or by typing a pairing code.")

_DRAWINGS: dict[str, Callable[[LinkOffer], QrView | bytes | str]] = {
    "application/json": lambda offer: QrView(offer.code, offer.expires_at, pictures.data_uri(offer.code)),
    "image/png": lambda offer: pictures.png(offer.code),
    "image/svg+xml": lambda offer: pictures.svg(offer.code),
    "text/plain": lambda offer: pictures.text(offer.code),
}
_REFUSALS = (
    Code.NO_SUCH_SESSION,
    Code.SESSION_NOT_ALLOWED,
    Code.SESSION_LINKED,
    Code.SESSION_LOGGED_OUT,
    Code.SESSION_STOPPED,
    Code.SESSION_FAILED,
    Code.SESSION_NOT_READY,
)


@dataclass
class _QrOperation(Operation):
    """Documents the pictures beside the JSON."""

    def __post_init__(self) -> None:
        success = (self.responses or {})["200"]
        if not isinstance(success, OpenAPIResponse) or success.content is None:
            raise TypeError("the QR's success is documented by content")
        for media_type in _DRAWINGS:
            picture = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))
            success.content.setdefault(media_type, picture)


@get(
    "/qr",
    summary="Show the session's QR",
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.NOT_ACCEPTABLE, *_REFUSALS),
    operation_class=_QrOperation,
)
async def show_qr(
    request: Request[Any, Any, Any],
    session_id: IdInPath,
    linking: NamedDependency[Linking],
    prefer: Prefer = None,
) -> Response[QrView]:
    """As JSON, PNG, SVG or text for a terminal, by `Accept`. It changes every 20 to 60 seconds: ask again."""
    media_type = request.accept.best_match(list(_DRAWINGS))
    if media_type is None:
        raise ProblemError(Code.NOT_ACCEPTABLE, f"accept one of {', '.join(_DRAWINGS)}")
    wait = preferred_wait(prefer)
    offer = await linking.offer(session_id, within=wait or timedelta())
    drawing: Any = _DRAWINGS[media_type](offer)
    return Response(drawing, media_type=media_type, headers={"Vary": "Accept", **applied(wait)})


@post(
    "/pairing-code",
    summary="Show a pairing code",
    status_code=200,
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.INVALID_PHONE_NUMBER, Code.WHATSAPP_REFUSED, Code.CONNECTOR_SILENT, *_REFUSALS),
)
async def show_pairing_code(
    session_id: IdInPath,
    data: StrictBody[CodeRequest],
    linking: NamedDependency[Linking],
    prefer: Prefer = None,
) -> Response[CodeView]:
    """Type it on the phone of this number, within three minutes. Waits up to 10 seconds, or as preferred."""
    number = phone_number(data.phone_number, field="phone_number")
    wait = preferred_wait(prefer)
    shown = await linking.pairing_code(session_id, number, within=USUAL_WAIT if wait is None else wait)
    return Response(CodeView(shown.code, shown.expires_at), headers=applied(wait))


router = Router("/v1/sessions/{session_id:str}", tags=[TAG.name], route_handlers=[show_qr, show_pairing_code])
