"""Sessions: what they are, which states they go through, and who may move them from one to the next.

    created ──start──▸ starting ──▸ awaiting_link ──scan or code──▸ connecting ──▸ connected
                          │               │                            ▴   ▾
                          └── linked ─────┼──────────────────────▸ disconnected (coming back by itself)
                                          ▾
    stopped ◂──stop── any          failed, logged_out: only a customer's start goes on

The customer's wish is `desired`; the connector reports `status`. Neither writes the other's field, but for
`start` and `stop`, which the API answers at once by `starting` and `stopped`.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from infra.contract.ids import SessionId


class Desired(enum.StrEnum):
    """What the customer wants of a session."""

    RUNNING = "running"
    STOPPED = "stopped"


class SessionStatus(enum.StrEnum):
    """Where a session stands."""

    CREATED = "created"
    STARTING = "starting"
    AWAITING_LINK = "awaiting_link"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    LOGGED_OUT = "logged_out"
    FAILED = "failed"
    STOPPED = "stopped"


class DisconnectReason(enum.StrEnum):
    """Why a session is not connected, as a customer reads it."""

    NETWORK = "network"
    UNREACHABLE = "cannot_reach_whatsapp"
    STREAM_REPLACED = "stream_replaced"
    LOGGED_OUT_BY_PHONE = "logged_out_by_phone"
    LOGGED_OUT_BY_CUSTOMER = "logged_out_by_customer"
    TEMPORARILY_BANNED = "temporarily_banned"
    CLIENT_OUTDATED = "client_outdated"
    PASSKEY_REQUIRED = "passkey_required"
    LINK_TIMED_OUT = "link_timed_out"
    CONNECT_FAILED = "connect_failed"
    HOST_CRASHED = "host_crashed"
    REPEATED_CRASHES = "repeated_crashes"
    """Its device makes the process that holds it die, again and again."""
    KEYS_MISSING = "keys_missing"
    """It was linked, but its auth blob is gone: it has to be linked again."""
    KEYS_UNREADABLE = "keys_unreadable"
    """Its auth blob or local database is damaged, or of a version that is not known here."""
    STOPPED = "stopped"


class SessionEvent(enum.StrEnum):
    """What happened to a session, by the name under which it is logged and told. The names are stable."""

    CONNECTED = "session.connected"
    DISCONNECTED = "session.disconnected"
    """It comes back by itself."""
    REPLACED = "session.replaced"
    """Somebody else connected with its keys."""
    BANNED = "session.banned"
    LOGGED_OUT = "session.logged_out"
    LINK_FAILED = "session.link_failed"
    FAILED = "session.failed"
    """It needs its customer, or the operator of this gateway."""


_REPORTABLE = frozenset(SessionStatus) - {SessionStatus.CREATED}
_MOVES: dict[SessionStatus, frozenset[SessionStatus]] = {
    SessionStatus.CREATED: frozenset({SessionStatus.STARTING, SessionStatus.STOPPED}),
    SessionStatus.STARTING: _REPORTABLE,
    SessionStatus.AWAITING_LINK: _REPORTABLE,
    SessionStatus.CONNECTING: _REPORTABLE,
    SessionStatus.CONNECTED: _REPORTABLE,
    SessionStatus.DISCONNECTED: _REPORTABLE,
    SessionStatus.LOGGED_OUT: frozenset({SessionStatus.STARTING, SessionStatus.STOPPED}),
    SessionStatus.FAILED: frozenset({SessionStatus.STARTING, SessionStatus.STOPPED}),
    SessionStatus.STOPPED: frozenset({SessionStatus.STARTING, SessionStatus.LOGGED_OUT}),
}

ACCEPTS_SENDS = frozenset(
    {
        SessionStatus.STARTING,
        SessionStatus.CONNECTING,
        SessionStatus.CONNECTED,
        SessionStatus.DISCONNECTED,
    }
)
"""Where a linked session takes messages into its outbox; it sends them when it is connected."""


def may_follow(now: SessionStatus, then: SessionStatus) -> bool:
    """Tell whether a session may go from one status to another; staying is no move, and always allowed."""
    return then is now or then in _MOVES[now]


def statuses_leading_to(then: SessionStatus) -> tuple[SessionStatus, ...]:
    """Give the statuses that `then` may follow, for a condition on the stored session."""
    return tuple(now for now in SessionStatus if may_follow(now, then))


class LinkOffer(msgspec.Struct, frozen=True):
    """A QR that the session shows now."""

    code: str
    expires_at: datetime


class Restriction(msgspec.Struct, frozen=True):
    """WhatsApp lets the account write only to chats that wrote to it; messages to others wait for the end."""

    code: str
    since: datetime
    until: datetime
    """WhatsApp names no end: this is when it is tried again."""


class Session(msgspec.Struct, frozen=True):
    """One WhatsApp account, linked or being linked."""

    id: SessionId
    created_at: datetime
    desired: Desired
    status: SessionStatus
    name: str | None = None
    metadata: dict[str, str] = {}
    shard: int | None = None
    seq: int = 0
    """The last place given in the outbox."""
    done_seq: int = 0
    """The runner's watermark: everything up to this place has left the outbox. Written now and then."""
    backlog: int = 0
    """Places given and not yet under the watermark; stored, since a condition cannot subtract."""
    linked: bool = False
    phone_number: str | None = None
    lid: str | None = None
    push_name: str | None = None
    reason: DisconnectReason | None = None
    disconnected_at: datetime | None = None
    reconnect_attempts: int = 0
    retry_at: datetime | None = None
    """When it is tried again by itself; no connector tries before, unless the customer starts it."""
    link_offer: LinkOffer | None = None
    restriction: Restriction | None = None
    fence: int = 0
    """The fence of the connector that wrote last; older ones are refused."""

    @property
    def accepts_sends(self) -> bool:
        """Whether messages may be accepted for it now."""
        return self.linked and self.desired is Desired.RUNNING and self.status in ACCEPTS_SENDS


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector tells of a session: its status, and those fields that changed with it."""

    status: SessionStatus
    linked: bool | msgspec.UnsetType = msgspec.UNSET
    phone_number: str | msgspec.UnsetType | None = msgspec.UNSET
    lid: str | msgspec.UnsetType | None = msgspec.UNSET
    push_name: str | msgspec.UnsetType | None = msgspec.UNSET
    reason: DisconnectReason | msgspec.UnsetType | None = msgspec.UNSET
    disconnected_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    reconnect_attempts: int | msgspec.UnsetType = msgspec.UNSET
    retry_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    link_offer: LinkOffer | msgspec.UnsetType | None = msgspec.UNSET
