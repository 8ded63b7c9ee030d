"""JIDs: WhatsApp's addresses of accounts, their devices, and groups.

A person has two: the phone-number JID (PN, `14155550100@s.whatsapp.net`) and the hidden one
(LID, `83471112233@lid`). A linked device adds its number: `14155550100:3@s.whatsapp.net`.
Source: whatsmeow, `types/jid.go`.
"""

from __future__ import annotations

import re
from typing import Self

import msgspec

PN_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"

_FORM = re.compile(r"(?P<user>[^@:]+?)(?:\.(?P<agent>\d+))?(?::(?P<device>\d{1,5}))?@(?P<server>[a-z.]+)")
_MAX_DEVICE = 0xFFFF


class JidError(ValueError):
    """This text is not a JID such as `14155550100@s.whatsapp.net` or `1203630250@g.us`."""


class Jid(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """One address. `device` 0 is the phone itself and is left out in writing."""

    user: str
    server: str
    device: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the written form; raises JidError."""
        match = _FORM.fullmatch(text)
        if match is None or int(match["device"] or 0) > _MAX_DEVICE:
            raise JidError(f"not a JID: {text[:80]!r}")
        return cls(match["user"], match["server"], int(match["device"] or 0))

    @classmethod
    def phone_number(cls, digits: str, device: int = 0) -> Self:
        """Give the PN of a number in international form, digits only."""
        return cls(digits, PN_SERVER, device)

    @classmethod
    def lid(cls, user: str, device: int = 0) -> Self:
        """Give the LID of a hidden user."""
        return cls(user, LID_SERVER, device)

    @property
    def account(self) -> Jid:
        """The same address without the device."""
        return Jid(self.user, self.server) if self.device else self

    def with_device(self, device: int) -> Jid:
        """Give the address of one of the account's devices."""
        return Jid(self.user, self.server, device)

    def __str__(self) -> str:
        """Give the written form, that `parse` reads back."""
        user = f"{self.user}:{self.device}" if self.device else self.user
        return f"{user}@{self.server}" if user else self.server


SERVICE = Jid("", PN_SERVER)
"""The address of WhatsApp itself."""
