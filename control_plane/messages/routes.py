"""The routes of messages."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag
from litestar.params import QueryParameter

from control_plane.answers import may_answer
from control_plane.auth import needs
from control_plane.bodies import StrictBody  # noqa: TC001
from control_plane.messages.sending import Draft, Sending
from control_plane.messages.shapes import (
    IdempotencyKey,
    IdInPath,
    MessagePage,
    MessageView,
    NewMessage,
    OutboundView,
    outbound_view,
    view,
)
from control_plane.nudging import nudge
from control_plane.paging import DEFAULT_LIMIT, Cursor, Limit
from control_plane.parsing import message_ref, recipient
from control_plane.problems import Code, ProblemError
from control_plane.sessions.refusals import no_such_session
from control_plane.sessions.shapes import IdInPath as SessionIdInPath  # noqa: TC001
from control_plane.waiting import Prefer, applied, preferred_wait
from infra.aws.messages import Messages, SameAgain
from infra.aws.queues import Queues  # noqa: TC001
from infra.aws.sessions import Sessions  # noqa: TC001
from infra.contract.api_keys import Scope
from infra.contract.clock import Clock  # noqa: TC001
from infra.contract.ids import InboundRef, OutboundRef, SessionId
from infra.contract.message import Message, Outbound, OutboundStatus
from infra.contract.queues import NudgeReason

TAG = Tag("Messages", "Messages are sent in the order in which they were accepted, session by session.")

Chat = Annotated[
    str | None,
    QueryParameter(min_length=5, max_length=80, description="only this chat: a phone number or a JID"),
]


@post(
    "/",
    summary="Send a message",
    status_code=202,
    opt=needs(Scope.MESSAGES_SEND),
    responses=may_answer(
        Code.NO_SUCH_SESSION,
        Code.SESSION_NOT_ALLOWED,
        Code.SESSION_STOPPED,
        Code.SESSION_NOT_LINKED,
        Code.SESSION_LOGGED_OUT,
        Code.SESSION_FAILED,
        Code.IDEMPOTENCY_KEY_REUSED,
        Code.BODY_TOO_LARGE,
        Code.INVALID_RECIPIENT,
        Code.BACKLOG_FULL,
    ),
)
async def send_message(
    session_id: SessionIdInPath,
    data: StrictBody[NewMessage],
    sending: NamedDependency[Sending],
    clock: NamedDependency[Clock],
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> Response[OutboundView]:
    """Accepted is safe: it is sent once the session is connected, or expires. `wait` holds until then."""
    to = recipient(data.to, field="to")
    accepted = await asyncio.to_thread(
        sending.accept,
        session_id,
        Draft(to, data.content, data.on_unknown),
        idempotency_key=idempotency_key,
    )
    message, wait = accepted.message.at(clock.now()), preferred_wait(prefer)
    if wait is not None:
        message = await sending.outcome(message, within=wait)
    headers = {"Location": f"/v1/sessions/{session_id}/messages/{message.ref}", **applied(wait)}
    if isinstance(accepted, SameAgain):
        headers["Idempotent-Replayed"] = "true"
    return Response(outbound_view(message), headers=headers)


@get(
    "/",
    summary="List messages",
    opt=needs(Scope.MESSAGES_READ),
    responses=may_answer(Code.NO_SUCH_SESSION, Code.SESSION_NOT_ALLOWED, Code.INVALID_RECIPIENT),
    sync_to_thread=True,
)
def list_messages(  # noqa: PLR0913, PLR0917 - what the query may say, and the parts that answer it
    session_id: SessionIdInPath,
    stored_sessions: NamedDependency[Sessions],
    messages: NamedDependency[Messages],
    clock: NamedDependency[Clock],
    chat: Chat = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> MessagePage:
    """Those sent and those received, the newest first."""
    jid = None if chat is None else recipient(chat, field="chat")
    if stored_sessions.find(session_id) is None:
        raise no_such_session(session_id)
    page = messages.list(session_id, cursor=cursor, limit=limit, chat=jid)
    now = clock.now()
    return MessagePage([view(message, now) for message in page.items], page.cursor)


@get(
    "/{message_id:str}",
    summary="Show a message",
    opt=needs(Scope.MESSAGES_READ),
    responses=may_answer(Code.NO_SUCH_MESSAGE, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def show_message(
    session_id: SessionIdInPath,
    message_id: IdInPath,
    messages: NamedDependency[Messages],
    clock: NamedDependency[Clock],
) -> MessageView:
    """Where it stands now."""
    message = messages.find(session_id, message_ref(message_id, field="message_id"), consistent=True)
    return view(_or_none_such(message, message_id), clock.now())


@delete(
    "/{message_id:str}",
    summary="Cancel a message",
    status_code=200,
    opt=needs(Scope.MESSAGES_SEND),
    responses=may_answer(Code.NO_SUCH_MESSAGE, Code.NOT_CANCELLABLE, Code.SESSION_NOT_ALLOWED),
    sync_to_thread=True,
)
def cancel_message(
    session_id: SessionIdInPath,
    message_id: IdInPath,
    messages: NamedDependency[Messages],
    stored_sessions: NamedDependency[Sessions],
    queues: NamedDependency[Queues],
    clock: NamedDependency[Clock],
) -> OutboundView:
    """What is queued is never sent then; what is being sent cannot be called back. It stays on record."""
    ref = message_ref(message_id, field="message_id")
    if isinstance(ref, InboundRef):
        raise ProblemError(Code.NOT_CANCELLABLE, "it was received, not sent", field="message_id")
    message = _outbound(messages, session_id, ref)
    is_over = message.at(clock.now()).status is OutboundStatus.EXPIRED
    cancelled = None if is_over else messages.cancel(session_id, ref)
    if cancelled is None:
        status = _outbound(messages, session_id, ref).at(clock.now()).status
        raise ProblemError(Code.NOT_CANCELLABLE, f"it is {status}", field="message_id")
    session = stored_sessions.find(session_id)
    if session is not None:
        nudge(queues, session, NudgeReason.CANCEL)
    return outbound_view(cancelled)


def _or_none_such(message: Message | None, message_id: str) -> Message:
    if message is None:
        raise _none_such(message_id)
    return message


def _none_such(message_id: str) -> ProblemError:
    return ProblemError(Code.NO_SUCH_MESSAGE, f"there is no message {message_id}", field="message_id")


def _outbound(messages: Messages, session_id: SessionId, ref: OutboundRef) -> Outbound:
    message = messages.find(session_id, ref, consistent=True)
    if not isinstance(message, Outbound):
        raise _none_such(str(ref))
    return message


router = Router(
    "/v1/sessions/{session_id:str}/messages",
    tags=[TAG.name],
    route_handlers=[send_message, list_messages, show_message, cancel_message],
)
