"""The ids that customers see: parsed once at the border, never wrong inside."""

from __future__ import annotations

import re
import secrets
from typing import NewType

import msgspec

SessionId = NewType("SessionId", str)
ConnectorId = NewType("ConnectorId", str)

SESSION_ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

_SESSION_ID = re.compile(SESSION_ID_PATTERN)
_OUTBOUND_ID = re.compile(r"o_(?P<seq>[1-9]\d{0,14})")
_INBOUND_ID = re.compile(r"i_(?P<at>\d{13})_(?P<wa_id>[A-Za-z0-9._-]{1,128})")


class IdError(ValueError):
    """This text is not an id of the kind that was expected."""


class OutboundRef(msgspec.Struct, frozen=True):
    """Which outbound message of a session: its place in the outbox, from 1."""

    seq: int

    def __str__(self) -> str:
        """Give the public id."""
        return f"o_{self.seq}"


class InboundRef(msgspec.Struct, frozen=True):
    """Which inbound message of a session: WhatsApp's time (milliseconds since 1970) and WhatsApp's id."""

    at_ms: int
    wa_id: str

    def __str__(self) -> str:
        """Give the public id."""
        return f"i_{self.at_ms:013d}_{self.wa_id}"


MessageRef = OutboundRef | InboundRef


def parse_session_id(text: str) -> SessionId:
    """Read a session's id; raises IdError."""
    if _SESSION_ID.fullmatch(text) is None:
        raise IdError(
            "a session id has 1 to 64 letters, digits, '-' or '_', and begins with a letter or digit"
        )
    return SessionId(text)


def new_session_id() -> SessionId:
    """Make an id for a session whose customer named none."""
    return SessionId(f"s-{secrets.token_hex(8)}")


def new_connector_id() -> ConnectorId:
    """Make the id of one run of a connector; a restarted container is another connector."""
    return ConnectorId(f"c-{secrets.token_hex(6)}")


def parse_message_ref(text: str) -> MessageRef:
    """Read a message's public id; raises IdError."""
    if (outbound := _OUTBOUND_ID.fullmatch(text)) is not None:
        return OutboundRef(int(outbound["seq"]))
    if (inbound := _INBOUND_ID.fullmatch(text)) is not None:
        return InboundRef(int(inbound["at"]), inbound["wa_id"])
    raise IdError("a message id begins with o_ (sent) or i_ (received)")
