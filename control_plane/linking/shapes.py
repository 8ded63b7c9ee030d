"""The JSON of linking."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct


class QrView(Struct):
    """The QR that the session shows now; it changes every 20 to 60 seconds."""

    code: Annotated[str, Meta(description="the QR's text")]
    expires_at: Annotated[datetime, Meta(description="after this, ask for the next one")]
    png: Annotated[str, Meta(description="a data URI, for an <img>")]


class CodeRequest(Struct, forbid_unknown_fields=True):
    """Whose phone links the session."""

    phone_number: Annotated[
        str,
        Meta(
            min_length=5,
            max_length=40,
            description="with its country code, in any usual writing",
            examples=["+1 415 555 0100"],
        ),
    ]


class CodeView(Struct):
    """What the owner types under Linked devices, Link with phone number."""

    code: Annotated[str, Meta(examples=["ABCD-1234"])]
    expires_at: datetime
