"""The JSON of sessions: what comes in, checked, and what goes out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from litestar.params import PathParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.paging import NextCursor
from infra.contract.ids import SESSION_ID_PATTERN, SessionId
from infra.contract.session import Desired, DisconnectReason, Session, SessionStatus

Id = Annotated[
    str,
    Meta(pattern=SESSION_ID_PATTERN, description="case-sensitive; made if left out", examples=["support"]),
]
IdInPath = Annotated[
    SessionId, PathParameter(pattern=SESSION_ID_PATTERN, description="the session's id, case-sensitive")
]
Name = Annotated[str, Meta(min_length=1, max_length=100, description="for people", examples=["Support desk"])]
_KEY_LENGTH = 64
_VALUE_LENGTH = 512
_MOST_ENTRIES = 50
_MetadataKey = Annotated[str, Meta(min_length=1, max_length=_KEY_LENGTH)]
_MetadataValue = Annotated[str, Meta(max_length=_VALUE_LENGTH)]
Metadata = Annotated[
    dict[_MetadataKey, _MetadataValue],
    Meta(
        max_length=_MOST_ENTRIES,
        description="yours: kept and given back, never read",
        examples=[{"customer": "4711"}],
        extra_json_schema={  # Litestar documents no limits of a dict's parts by itself
            "extra": {
                "maxProperties": _MOST_ENTRIES,
                "propertyNames": {"minLength": 1, "maxLength": _KEY_LENGTH},
                "additionalProperties": {"type": "string", "maxLength": _VALUE_LENGTH},
            }
        },
    ),
]


class NewSession(Struct, forbid_unknown_fields=True):
    """A session to create."""

    id: Id | UnsetType = UNSET
    name: Name | None = None
    metadata: Metadata = {}
    start: Annotated[bool, Meta(description="whether it starts at once")] = True


class SessionChange(Struct, forbid_unknown_fields=True):
    """What to change of a session: fields left out stay; metadata is replaced whole."""

    name: Name | UnsetType | None = UNSET
    metadata: Metadata | UnsetType = UNSET


class LastDisconnect(Struct):
    """When and why the session's connection ended last."""

    reason: DisconnectReason
    at: datetime


class RestrictionView(Struct):
    """WhatsApp lets the account write only to chats that wrote to it; messages to others wait."""

    code: Annotated[str, Meta(description="a stable code of why", examples=["reach_out_restricted"])]
    since: datetime
    until: Annotated[datetime, Meta(description="when it is tried again; a start tries at once")]


class SessionView(Struct):
    """A WhatsApp account that is linked, or being linked."""

    id: Annotated[str, Meta(examples=["support"])]
    name: Annotated[str | None, Meta(examples=["Support desk"])]
    metadata: Annotated[dict[str, str], Meta(examples=[{"customer": "4711"}])]
    status: Annotated[SessionStatus, Meta(description="where it stands", examples=["connected"])]
    desired: Annotated[Desired, Meta(description="what you asked for last", examples=["running"])]
    linked: Annotated[bool, Meta(description="whether a phone has linked it")]
    phone_number: Annotated[str | None, Meta(description="digits", examples=["14155550100"])]
    push_name: Annotated[str | None, Meta(description="the account's own name", examples=["Ada"])]
    last_disconnect: LastDisconnect | None
    restriction: Annotated[
        RestrictionView | None, Meta(description="the last one; over once `until` is past")
    ]
    reconnect_attempts: Annotated[int, Meta(description="since it was connected last")]
    retry_at: Annotated[
        datetime | None, Meta(description="when it is tried again by itself; POST …/start tries at once")
    ]
    created_at: datetime


class SessionPage(Struct):
    """Some sessions, by id."""

    items: list[SessionView]
    next_cursor: NextCursor


def view(session: Session) -> SessionView:
    """Show a session to a customer; its shard, fence and QR are not for this."""
    return SessionView(
        id=session.id,
        name=session.name,
        metadata=session.metadata,
        status=session.status,
        desired=session.desired,
        linked=session.linked,
        phone_number=session.phone_number,
        push_name=session.push_name,
        last_disconnect=_last_disconnect(session),
        restriction=_restriction(session),
        reconnect_attempts=session.reconnect_attempts,
        retry_at=session.retry_at,
        created_at=session.created_at,
    )


def _last_disconnect(session: Session) -> LastDisconnect | None:
    if session.reason is None or session.disconnected_at is None:
        return None
    return LastDisconnect(session.reason, session.disconnected_at)


def _restriction(session: Session) -> RestrictionView | None:
    told = session.restriction
    return None if told is None else RestrictionView(told.code, told.since, told.until)
