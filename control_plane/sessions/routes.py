"""The routes of sessions."""

from __future__ import annotations

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag
from litestar.params import FromQuery  # noqa: TC002
from msgspec import UNSET

from control_plane.answers import may_answer
from control_plane.asking import USUAL_WAIT
from control_plane.auth import check_session, needs
from control_plane.bodies import StrictBody  # noqa: TC001
from control_plane.nudging import nudge
from control_plane.paging import DEFAULT_LIMIT, Cursor, Limit
from control_plane.parsing import session_id as parsed_session_id
from control_plane.problems import Code, ProblemError
from control_plane.sessions.ending import Ending  # noqa: TC001
from control_plane.sessions.listing import visible_sessions
from control_plane.sessions.refusals import no_such_session
from control_plane.sessions.shapes import (
    IdInPath,
    NewSession,
    SessionChange,
    SessionPage,
    SessionView,
    view,
)
from control_plane.waiting import Prefer, applied, preferred_wait
from infra.aws.queues import Queues  # noqa: TC001
from infra.aws.sessions import Sessions  # noqa: TC001
from infra.contract.api_keys import ApiKey, Scope
from infra.contract.clock import Clock  # noqa: TC001
from infra.contract.ids import SessionId, new_session_id
from infra.contract.queues import NudgeReason
from infra.contract.session import Desired, Session, SessionStatus

TAG = Tag("Sessions", "A session is one WhatsApp account that is linked, or being linked.")
_STOPPED = (Code.SESSION_STOPPED, Code.SESSION_FAILED)


@post(
    "/",
    summary="Create a session",
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.SESSION_EXISTS, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def create_session(
    data: StrictBody[NewSession],
    caller: NamedDependency[ApiKey],
    stored_sessions: NamedDependency[Sessions],
    queues: NamedDependency[Queues],
    clock: NamedDependency[Clock],
) -> Response[SessionView]:
    """It starts at once, unless told not to; read its QR next."""
    session = Session(
        id=new_session_id() if data.id is UNSET else parsed_session_id(data.id, field="id"),
        created_at=clock.now(),
        desired=Desired.STOPPED,
        status=SessionStatus.CREATED,
        name=data.name,
        metadata=data.metadata,
    )
    check_session(caller, Scope.SESSIONS_WRITE, session.id)
    if not stored_sessions.create(session):
        raise ProblemError(Code.SESSION_EXISTS, f"there is a session {session.id}", field="id")
    if data.start:
        session = _want(session.id, Desired.RUNNING, stored_sessions, queues)
    return Response(view(session), headers={"Location": f"/v1/sessions/{session.id}"})


@get(
    "/",
    summary="List sessions",
    opt=needs(Scope.SESSIONS_READ),
    responses=may_answer(),
    sync_to_thread=True,
)
def list_sessions(
    caller: NamedDependency[ApiKey],
    stored_sessions: NamedDependency[Sessions],
    status: FromQuery[SessionStatus | None] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> SessionPage:
    """By id. With a status, a page may hold fewer than the limit, or none, and still have a next one."""
    page = visible_sessions(stored_sessions, caller, cursor=cursor, limit=limit, status=status)
    return SessionPage([view(session) for session in page.items], page.cursor)


@get(
    "/{session_id:str}",
    summary="Show a session",
    opt=needs(Scope.SESSIONS_READ),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def show_session(session_id: IdInPath, stored_sessions: NamedDependency[Sessions]) -> SessionView:
    """Its status, its phone, and how it was disconnected last."""
    return view(_or_none_such(stored_sessions.find(session_id, consistent=True), session_id))


@patch(
    "/{session_id:str}",
    summary="Change a session's name or metadata",
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def change_session(
    session_id: IdInPath, data: StrictBody[SessionChange], stored_sessions: NamedDependency[Sessions]
) -> SessionView:
    """What is left out stays; metadata is replaced whole."""
    return view(
        _or_none_such(stored_sessions.patch(session_id, name=data.name, metadata=data.metadata), session_id)
    )


@delete(
    "/{session_id:str}",
    summary="Delete a session",
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED),
)
async def delete_session(session_id: IdInPath, ending: NamedDependency[Ending]) -> None:
    """With its messages and keys. A connected one is logged out; others stay on the phone's list."""
    await ending.delete(session_id)


@post(
    "/{session_id:str}/start",
    summary="Start a session",
    status_code=200,
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def start_session(
    session_id: IdInPath, stored_sessions: NamedDependency[Sessions], queues: NamedDependency[Queues]
) -> SessionView:
    """A linked session connects, another shows a QR. One that is running already tries again at once."""
    return view(_want(session_id, Desired.RUNNING, stored_sessions, queues))


@post(
    "/{session_id:str}/stop",
    summary="Stop a session",
    status_code=200,
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def stop_session(
    session_id: IdInPath, stored_sessions: NamedDependency[Sessions], queues: NamedDependency[Queues]
) -> SessionView:
    """It disconnects and stays linked."""
    return view(_want(session_id, Desired.STOPPED, stored_sessions, queues))


@post(
    "/{session_id:str}/logout",
    summary="Unlink a session from its phone",
    status_code=200,
    opt=needs(Scope.SESSIONS_WRITE),
    responses=may_answer(
        Code.NO_SUCH_SESSION,
        Code.SESSION_NOT_ALLOWED,
        Code.SESSION_NOT_LINKED,
        Code.SESSION_NOT_READY,
        Code.WHATSAPP_REFUSED,
        Code.CONNECTOR_SILENT,
        *_STOPPED,
    ),
)
async def log_out_session(
    session_id: IdInPath, ending: NamedDependency[Ending], prefer: Prefer = None
) -> Response[SessionView]:
    """WhatsApp is told, the device's keys are deleted, messages stay. To use it again, start and link it."""
    wait = preferred_wait(prefer)
    session = await ending.log_out(session_id, within=USUAL_WAIT if wait is None else wait)
    return Response(view(session), headers=applied(wait))


def _want(session_id: SessionId, desired: Desired, sessions: Sessions, queues: Queues) -> Session:
    session = _or_none_such(sessions.want(session_id, desired), session_id)
    nudge(queues, session, NudgeReason.DESIRED_CHANGED)
    return session


def _or_none_such(session: Session | None, session_id: SessionId) -> Session:
    if session is None:
        raise no_such_session(session_id)
    return session


router = Router(
    "/v1/sessions",
    tags=[TAG.name],
    route_handlers=[
        create_session,
        list_sessions,
        show_session,
        change_session,
        delete_session,
        start_session,
        stop_session,
        log_out_session,
    ],
)
