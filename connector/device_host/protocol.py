"""What a device host and its supervisor say to each other; see `frames` for how.

A `device` is the number that the supervisor gave to one start of one device, so that what a former start
still says is never taken for the present one's. Reports of one device come in the order of their happening.
"""

from __future__ import annotations

import enum
from datetime import datetime

import msgspec

from infra.contract.jid import Jid
from infra.contract.message import InboundContent, OutboundStatus

# --- Commands: supervisor to host


class StartDevice(msgspec.Struct, frozen=True, tag=True):
    """Connect the device of this database; one that is not linked yet shows QRs.

    What it receives is kept beside the database, in files of this name; see `spool`.
    """

    device: int
    database: str
    spool: str


class StopDevice(msgspec.Struct, frozen=True, tag=True):
    """Disconnect, report all that came before, then `Stopped`."""

    device: int


class TextToSend(msgspec.Struct, frozen=True):
    """A text, its place in the session's outbox, and the 32 bytes by which it is found after a crash."""

    seq: int
    to: Jid
    text: str
    secret: bytes


class SendTexts(msgspec.Struct, frozen=True, tag=True):
    """Send these one after the other; the first that fails ends it, the others are not tried."""

    device: int
    texts: tuple[TextToSend, ...]


class PairPhone(msgspec.Struct, frozen=True, tag=True):
    """Ask for a pairing code for this number (digits); only while QRs are shown."""

    device: int
    phone_number: str


class Logout(msgspec.Struct, frozen=True, tag=True):
    """Unlink the device at WhatsApp; only while connected."""

    device: int


class Ping(msgspec.Struct, frozen=True, tag=True):
    """Say `Pong`, to be known to live."""


Command = Ping | StartDevice | StopDevice | SendTexts | PairPhone | Logout

# --- Reports: host to supervisor


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The host has loaded neonize and takes commands."""


class Pong(msgspec.Struct, frozen=True, tag=True):
    """The host lives; it has nothing else to say."""


class QrShown(msgspec.Struct, frozen=True, tag=True):
    """A QR to scan within so many seconds."""

    device: int
    code: str
    valid_seconds: int


class Linked(msgspec.Struct, frozen=True, tag=True):
    """A phone has linked the device, which now logs in."""

    device: int


class Connected(msgspec.Struct, frozen=True, tag=True):
    """The device is logged in and may send."""

    device: int
    phone_number: str
    lid: str | None
    push_name: str | None


class Loss(enum.StrEnum):
    """Why a device is not connected, or will not be."""

    NETWORK = "network"
    """The socket broke. whatsmeow comes back by itself."""
    UNREACHABLE = "unreachable"
    """The first dial failed. Nobody tries again by itself."""
    REPLACED = "replaced"
    """Another socket of the same device took its place."""
    LOGGED_OUT = "logged_out"
    """The phone unlinked the device; its keys are void."""
    BANNED = "banned"
    OUTDATED = "outdated"
    REFUSED = "refused"
    """WhatsApp refused the login for another reason, or the device's database could not be used just now."""
    KEYS_UNREADABLE = "keys_unreadable"
    """The device's database is damaged, or of a version that this whatsmeow does not know."""
    LINK_TIMED_OUT = "link_timed_out"
    """No phone scanned any of the QRs."""
    LINK_FAILED = "link_failed"
    PASSKEY_REQUIRED = "passkey_required"


class Lost(msgspec.Struct, frozen=True, tag=True):
    """The device is not connected; `retry_seconds` is how long a ban lasts."""

    device: int
    loss: Loss
    retry_seconds: int | None = None


class Stopped(msgspec.Struct, frozen=True, tag=True):
    """The device is stopped, by command; nothing follows."""

    device: int


class SendError(enum.StrEnum):
    """Why a send failed; the names are stable codes that customers see."""

    NOT_CONNECTED = "not_connected"
    """It did not leave."""
    MAY_HAVE_LEFT = "may_have_left"
    """WhatsApp's answer never came."""
    NOT_ON_WHATSAPP = "not_on_whatsapp"
    NOT_IN_GROUP = "not_in_group"
    REACH_OUT_RESTRICTED = "reach_out_restricted"
    """WhatsApp's 463: this account may not write to new contacts now."""
    RATE_LIMITED = "rate_limited"
    REJECTED = "rejected_by_whatsapp"
    NOT_SENDABLE = "not_sendable"
    """neonize refused it."""


class TextSent(msgspec.Struct, frozen=True, tag=True):
    """WhatsApp's server has taken a text."""

    device: int
    seq: int
    wa_id: str
    at: datetime


class SendFailed(msgspec.Struct, frozen=True, tag=True):
    """A text was not sent, or may have been; it ends its `SendTexts`."""

    device: int
    seq: int
    error: SendError


class PairingCodeShown(msgspec.Struct, frozen=True, tag=True):
    """The code for `PairPhone`; None when WhatsApp refused one."""

    device: int
    code: str | None


class LoggedOut(msgspec.Struct, frozen=True, tag=True):
    """The answer to `Logout`; when done, the device's keys are void."""

    device: int
    done: bool


class MessageSeen(msgspec.Struct, frozen=True, tag=True):
    """The account received a message, or its owner sent one from the phone."""

    device: int
    wa_id: str
    chat: Jid
    sender: Jid
    content: InboundContent
    sent_at: datetime
    sender_number: str | None
    push_name: str | None
    from_me: bool
    retried: bool = False
    """We could not read it at first, and its sender sent it again; its time is of that."""


class ReceiptSeen(msgspec.Struct, frozen=True, tag=True):
    """Somebody received, read or played messages of the account."""

    device: int
    wa_ids: tuple[str, ...]
    status: OutboundStatus
    at: datetime


class SpoolTurned(msgspec.Struct, frozen=True, tag=True):
    """A file of the spool is full: all that is in it was reported before."""

    device: int


class Unreadable(msgspec.Struct, frozen=True, tag=True):
    """neonize reported something that this program cannot read: a mistake of ours."""

    device: int
    event: str
    error: str


DeviceReport = (
    QrShown
    | Linked
    | Connected
    | Lost
    | Stopped
    | TextSent
    | SendFailed
    | PairingCodeShown
    | LoggedOut
    | MessageSeen
    | ReceiptSeen
    | SpoolTurned
    | Unreadable
)
Report = Ready | Pong | DeviceReport
