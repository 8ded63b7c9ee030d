"""Why a session in this state cannot do what is asked: the pure choice of the problem that says so."""

from __future__ import annotations

from control_plane.problems import Code, ProblemError
from infra.contract.session import Desired, Session, SessionStatus

_RETRY_SOON_SECONDS = 1
_RETRY_WHEN_SENT_SECONDS = 10


def no_such_session(session_id: str) -> ProblemError:
    """Say that it does not exist."""
    return ProblemError(Code.NO_SUCH_SESSION, f"there is no session {session_id}", field="session_id")


def must_start_first(session: Session) -> ProblemError | None:
    """Give the problem of a session that waits for its customer to start it; None if it is under way."""
    if session.status is SessionStatus.LOGGED_OUT:
        return ProblemError(Code.SESSION_LOGGED_OUT, f"the reason was {session.reason or 'not told'}")
    if session.status is SessionStatus.FAILED:
        return ProblemError(Code.SESSION_FAILED, f"the reason was {session.reason or 'not told'}")
    if session.desired is Desired.STOPPED or session.status is SessionStatus.STOPPED:
        return ProblemError(Code.SESSION_STOPPED, f"start it with POST /v1/sessions/{session.id}/start")
    return None


def cannot_send(session: Session) -> ProblemError:
    """Say why a message was not accepted for this session."""
    stopped = must_start_first(session)
    if stopped is not None:
        return stopped
    if not session.accepts_sends:
        return ProblemError(
            Code.SESSION_NOT_LINKED, f"link it with GET /v1/sessions/{session.id}/qr or by pairing code"
        )
    return ProblemError(
        Code.BACKLOG_FULL,
        f"{session.backlog} messages of this session wait to be sent",
        retry_after_seconds=_RETRY_WHEN_SENT_SECONDS,
    )


def cannot_link(session: Session) -> ProblemError:
    """Say why no QR or code can be shown for this session now."""
    if session.linked:
        return ProblemError(Code.SESSION_LINKED, "log it out to link another phone")
    return must_start_first(session) or ProblemError(
        Code.SESSION_NOT_READY,
        f"the session is {session.status}: it offers no link yet",
        retry_after_seconds=_RETRY_SOON_SECONDS,
    )
