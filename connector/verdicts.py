"""The disconnect policy: one table, from what happened to a device to what follows and what customers see.

`docs/disconnects.md` shows it to people; a test compares the two. WhatsApp's error 463 ends no connection: it
restricts what a session may send; see the sender.
"""

from __future__ import annotations

import enum
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from connector.device_host.protocol import Loss
from infra.contract.session import DisconnectReason, SessionEvent, SessionStatus

if TYPE_CHECKING:
    from datetime import datetime

_RIVALS_RETURN_WITHIN = timedelta(minutes=1)
"""Who is replaced so soon after it came back has a rival who comes back too."""


class Next(enum.Enum):
    """What the connector does next."""

    WAIT = "whatsmeow connects again by itself; after a minute without success as for `silent`"
    START_AGAIN = "the device is started anew after a pause, which doubles from 1 s up to 2 min"
    START_SOON = "the device is started anew, at once after a first crash, else after 0.5 s up to 30 s"
    GIVE_UP = "the device stays away until a customer starts the session"
    FORGET = "the device's keys are void and are deleted; a start shows a QR"


class Verdict(NamedTuple):
    """What the customer sees, what happens next, and how it is told."""

    status: SessionStatus
    reason: DisconnectReason
    next: Next
    event: SessionEvent = SessionEvent.DISCONNECTED
    level: int = logging.WARNING
    """Of the event in the log; an ERROR is an alarm."""
    pause: timedelta = timedelta()
    """At least so long before the next start."""


def _coming_back(reason: DisconnectReason, then: Next = Next.START_AGAIN) -> Verdict:
    return Verdict(SessionStatus.DISCONNECTED, reason, then)


def _alarm(reason: DisconnectReason, event: SessionEvent = SessionEvent.FAILED) -> Verdict:
    return Verdict(SessionStatus.FAILED, reason, Next.GIVE_UP, event, logging.ERROR)


def _not_linked(reason: DisconnectReason) -> Verdict:
    return Verdict(SessionStatus.FAILED, reason, Next.GIVE_UP, SessionEvent.LINK_FAILED)


def _logged_out(reason: DisconnectReason) -> Verdict:
    return Verdict(SessionStatus.LOGGED_OUT, reason, Next.FORGET, SessionEvent.LOGGED_OUT)


VERDICTS: dict[Loss, Verdict] = {
    Loss.NETWORK: _coming_back(DisconnectReason.NETWORK, Next.WAIT),
    Loss.UNREACHABLE: _coming_back(DisconnectReason.UNREACHABLE),
    Loss.REPLACED: _coming_back(DisconnectReason.STREAM_REPLACED)._replace(event=SessionEvent.REPLACED),
    Loss.LOGGED_OUT: _logged_out(DisconnectReason.LOGGED_OUT_BY_PHONE),
    Loss.BANNED: Verdict(
        SessionStatus.DISCONNECTED,
        DisconnectReason.TEMPORARILY_BANNED,
        Next.START_AGAIN,
        SessionEvent.BANNED,
        logging.ERROR,
    ),
    Loss.OUTDATED: _alarm(DisconnectReason.CLIENT_OUTDATED),
    Loss.REFUSED: _coming_back(DisconnectReason.CONNECT_FAILED),
    Loss.KEYS_UNREADABLE: _alarm(DisconnectReason.KEYS_UNREADABLE),
    Loss.LINK_TIMED_OUT: _not_linked(DisconnectReason.LINK_TIMED_OUT),
    Loss.LINK_FAILED: _not_linked(DisconnectReason.CONNECT_FAILED),
    Loss.PASSKEY_REQUIRED: _not_linked(DisconnectReason.PASSKEY_REQUIRED),
}
"""What a device says of itself."""

REPLACED_AGAIN = _alarm(DisconnectReason.STREAM_REPLACED, SessionEvent.REPLACED)
"""Somebody else has the keys, and comes back whenever he is thrown out."""
HOST_CRASHED = _coming_back(DisconnectReason.HOST_CRASHED, Next.START_SOON)
"""The device host died, or could not be started: whose pause it is, the hosts say."""
SET_APART = _alarm(DisconnectReason.REPEATED_CRASHES)
"""Its device host died three times with nobody else in it."""
SILENT = _coming_back(DisconnectReason.UNREACHABLE)
"""Neither connected nor lost, or no word of a send, for too long: whatsmeow tells nothing of what hangs."""
LOGGED_OUT_BY_CUSTOMER = _logged_out(DisconnectReason.LOGGED_OUT_BY_CUSTOMER)
KEYS_UNREADABLE = VERDICTS[Loss.KEYS_UNREADABLE]
"""The auth blob is damaged, or the local database is."""
KEYS_MISSING = Verdict(
    SessionStatus.FAILED, DisconnectReason.KEYS_MISSING, Next.FORGET, SessionEvent.FAILED, logging.ERROR
)
"""There is no auth blob of a session that was linked."""

POLICY: dict[str, Verdict] = {
    **{loss.value: verdict for loss, verdict in VERDICTS.items()},
    "replaced_again": REPLACED_AGAIN,
    "host_crashed": HOST_CRASHED,
    "set_apart": SET_APART,
    "silent": SILENT,
    "logged_out_by_customer": LOGGED_OUT_BY_CUSTOMER,
    "keys_missing": KEYS_MISSING,
}
"""The whole table, by what happened."""


def once_replaced(before: datetime | None, now: datetime, *, lease_duration: timedelta) -> Verdict:
    """Judge a device that another socket with its keys has thrown out, by when that happened before.

    `before` is of the same lease: with each new one there is another former holder.

    The first time it may be a former holder that was paused, and woke: whatsmeow connects again before that
    one's supervisor can stop it. So we wait a lease duration: by then it is stopped, or we know it was us.
    """
    if before is not None and now - before < lease_duration + _RIVALS_RETURN_WITHIN:
        return REPLACED_AGAIN
    return VERDICTS[Loss.REPLACED]._replace(pause=lease_duration)
