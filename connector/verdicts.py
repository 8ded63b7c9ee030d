"""What a loss of connection means for its session: one table, from what neonize saw to what happens next."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import NamedTuple

from connector.device_host.protocol import Loss
from infra.contract.session import DisconnectReason, SessionStatus


class Next(enum.Enum):
    """What the connector does next."""

    WAIT = enum.auto()
    """whatsmeow connects again by itself."""
    START_AGAIN = enum.auto()
    """The device is started anew, after a pause that grows."""
    GIVE_UP = enum.auto()
    """The device stays away until a customer starts the session."""
    FORGET = enum.auto()
    """The device's keys are void; they are deleted."""


class Verdict(NamedTuple):
    """What the customer sees, and what happens next."""

    status: SessionStatus
    reason: DisconnectReason
    next: Next
    pause: timedelta = timedelta()
    """At least so long before the next start."""


VERDICTS: dict[Loss, Verdict] = {
    Loss.NETWORK: Verdict(SessionStatus.DISCONNECTED, DisconnectReason.NETWORK, Next.WAIT),
    Loss.UNREACHABLE: Verdict(SessionStatus.DISCONNECTED, DisconnectReason.UNREACHABLE, Next.START_AGAIN),
    Loss.REPLACED: Verdict(SessionStatus.FAILED, DisconnectReason.STREAM_REPLACED, Next.GIVE_UP),
    Loss.LOGGED_OUT: Verdict(SessionStatus.LOGGED_OUT, DisconnectReason.LOGGED_OUT_BY_PHONE, Next.FORGET),
    Loss.BANNED: Verdict(SessionStatus.DISCONNECTED, DisconnectReason.TEMPORARILY_BANNED, Next.START_AGAIN),
    Loss.OUTDATED: Verdict(SessionStatus.FAILED, DisconnectReason.CLIENT_OUTDATED, Next.GIVE_UP),
    Loss.REFUSED: Verdict(SessionStatus.DISCONNECTED, DisconnectReason.CONNECT_FAILED, Next.START_AGAIN),
    Loss.LINK_TIMED_OUT: Verdict(SessionStatus.FAILED, DisconnectReason.LINK_TIMED_OUT, Next.GIVE_UP),
    Loss.LINK_FAILED: Verdict(SessionStatus.FAILED, DisconnectReason.CONNECT_FAILED, Next.GIVE_UP),
    Loss.PASSKEY_REQUIRED: Verdict(SessionStatus.FAILED, DisconnectReason.PASSKEY_REQUIRED, Next.GIVE_UP),
}
HOST_CRASHED = Verdict(SessionStatus.DISCONNECTED, DisconnectReason.HOST_CRASHED, Next.START_AGAIN)
SILENT = Verdict(SessionStatus.DISCONNECTED, DisconnectReason.UNREACHABLE, Next.START_AGAIN)
"""Neither connected nor lost for too long; whatsmeow tells nothing of a login that hangs."""
LOGGED_OUT_BY_CUSTOMER = Verdict(
    SessionStatus.LOGGED_OUT, DisconnectReason.LOGGED_OUT_BY_CUSTOMER, Next.FORGET
)
