"""Calls: what the API asks of a session's connector, and the answers. Both stand in the table."""

from __future__ import annotations

from datetime import datetime

import msgspec

from infra.contract.ids import SessionId


class PairingCodeWanted(msgspec.Struct, frozen=True, tag="pairing_code"):
    """Show a pairing code for this number (digits of the international form)."""

    phone_number: str


class LogoutWanted(msgspec.Struct, frozen=True, tag="logout"):
    """Unlink the device at WhatsApp, and forget its keys."""


Question = PairingCodeWanted | LogoutWanted


class PairingCodeShown(msgspec.Struct, frozen=True, tag="pairing_code_shown"):
    """The code to type into the phone, and until when."""

    code: str
    expires_at: datetime


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It cannot be done: a code of the problem catalogue."""

    code: str


Answer = PairingCodeShown | Done | Refused


class Call(msgspec.Struct, frozen=True):
    """One question, and its answer once it is there."""

    session_id: SessionId
    id: str
    question: Question
    asked_at: datetime
    expires_at: datetime
    answer: Answer | None = None
