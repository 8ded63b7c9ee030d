"""What can be set of the control plane, and the limits that customers meet."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the control plane."""

    backlog_limit: int = 10_000
    """How many messages of one session may wait; more are refused with 429."""
    message_lifetime: timedelta = timedelta(hours=24)
    """How long a message may wait before it expires unsent."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ROOST_BACKLOG_LIMIT and ROOST_MESSAGE_LIFETIME_SECONDS."""
        defaults = cls()
        lifetime = environ.get("ROOST_MESSAGE_LIFETIME_SECONDS")
        return cls(
            backlog_limit=int(environ.get("ROOST_BACKLOG_LIMIT", defaults.backlog_limit)),
            message_lifetime=timedelta(seconds=int(lifetime)) if lifetime else defaults.message_lifetime,
        )
