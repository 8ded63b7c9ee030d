"""What may be set in a connector's environment: read once, and checked where numbers must agree."""

from __future__ import annotations

import os
import shlex
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOST_MB, _DEVICE_MB = 90, 1.2
"""What a device host takes at the least, and for each device: measured (`tests.benchmarks.hosts`)."""
_LONGEST_POLL = timedelta(seconds=20)


class SettingsError(Exception):
    """The environment asks for something that cannot work."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A connector's settings; every one has an environment variable, `from_environment` names it."""

    devices_folder: Path
    """Where the devices' databases are while their sessions run here. Emptying it costs nothing but time."""
    host_launcher: tuple[str, ...] = ()
    """What runs the device host's script instead of Python: `python -m infra.sandbox.client_kit DIR` leads
    neonize to the sandbox of that folder."""
    devices_per_host: int = 50
    spare_hosts: int = 1
    """How many device hosts stand ready for the devices of one that crashes: it saves them a second."""
    host_memory_mb: int = 256
    """The most that a device host may take before its devices are moved to another and it is ended."""
    renew_every: timedelta = timedelta(seconds=3)
    lease_duration: timedelta = timedelta(seconds=10)
    """A lease whose beat stands still for so long may be taken by others."""
    look_every: timedelta = timedelta(seconds=1)
    """How often the leases are looked at for what is free, expired or wished for."""
    poll_for: timedelta = timedelta(seconds=20)
    """How long a request for nudges waits for one; SQS allows no more than 20 s."""
    sweep_every: timedelta = timedelta(seconds=30)
    """How often the table is looked through for what a lost nudge did not tell."""
    save_after: timedelta = timedelta(seconds=10)
    """The longest that an auth blob is older than its device's last activity."""
    drain_within: timedelta = timedelta(seconds=20)
    messages_per_minute: int = 0
    """The pace of a session; 0 sends as fast as WhatsApp takes it."""
    new_chats_per_minute: int = 0
    """The pace of first messages to those with whom nothing was exchanged yet; 0 is no limit of its own."""
    restriction_lasts: timedelta = timedelta(hours=24)
    """How long messages to strangers wait after WhatsApp restricted an account; it names no end itself."""
    send_ahead: int = 20
    """How many messages are marked as being sent at once: marking must not hold up the sending."""

    def __post_init__(self) -> None:
        """Check what must agree; raises SettingsError."""
        if self.lease_duration <= 2 * self.renew_every:
            raise SettingsError(
                "ROOST_LEASE_SECONDS must be more than twice ROOST_RENEW_SECONDS, "
                "or one late renewal loses every session"
            )
        if not timedelta() < self.look_every < self.lease_duration:
            raise SettingsError("ROOST_LOOK_SECONDS must be above 0, and less than ROOST_LEASE_SECONDS")
        if not timedelta() < self.poll_for <= _LONGEST_POLL:
            raise SettingsError("ROOST_POLL_SECONDS must be above 0, and at most 20: SQS allows no more")
        if self.devices_per_host < 1 or self.send_ahead < 1:
            raise SettingsError("ROOST_DEVICES_PER_HOST and ROOST_SEND_AHEAD must be at least 1")
        if min(self.messages_per_minute, self.new_chats_per_minute) < 0:
            raise SettingsError(
                "ROOST_MESSAGES_PER_MINUTE and ROOST_NEW_CHATS_PER_MINUTE must be 0 (no limit) or more"
            )
        if min(self.renew_every, self.sweep_every, self.save_after) <= timedelta():
            raise SettingsError(
                "ROOST_RENEW_SECONDS, ROOST_SWEEP_SECONDS and ROOST_SAVE_SECONDS must be above 0"
            )

        self._check_hosts()

    def _check_hosts(self) -> None:
        if self.spare_hosts < 0:
            raise SettingsError("ROOST_SPARE_HOSTS must be 0 or more")
        least = _HOST_MB + _DEVICE_MB * self.devices_per_host
        if self.host_memory_mb < least:
            raise SettingsError(
                f"ROOST_HOST_MEMORY_MB must be at least {least:.0f} with ROOST_DEVICES_PER_HOST at "
                f"{self.devices_per_host}, or a host is replaced that has only just been filled"
            )

    @property
    def holds_for(self) -> timedelta:
        """How long a lease that cannot be renewed is held: one renewal less than others respect it."""
        return self.lease_duration - self.renew_every

    @property
    def lease_answer_within(self) -> timedelta:
        """How long an answer about leases is waited for: two of them fit in before a lease must be let go."""
        return self.holds_for / 2

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the variables named here; raises SettingsError."""
        given = {
            "devices_folder": _path(environ, "ROOST_DEVICES_FOLDER"),
            "host_launcher": tuple(shlex.split(environ.get("ROOST_HOST_LAUNCHER", ""))) or None,
            "devices_per_host": _number(environ, "ROOST_DEVICES_PER_HOST"),
            "spare_hosts": _number(environ, "ROOST_SPARE_HOSTS"),
            "host_memory_mb": _number(environ, "ROOST_HOST_MEMORY_MB"),
            "renew_every": _seconds(environ, "ROOST_RENEW_SECONDS"),
            "lease_duration": _seconds(environ, "ROOST_LEASE_SECONDS"),
            "look_every": _seconds(environ, "ROOST_LOOK_SECONDS"),
            "poll_for": _seconds(environ, "ROOST_POLL_SECONDS"),
            "sweep_every": _seconds(environ, "ROOST_SWEEP_SECONDS"),
            "save_after": _seconds(environ, "ROOST_SAVE_SECONDS"),
            "drain_within": _seconds(environ, "ROOST_DRAIN_SECONDS"),
            "messages_per_minute": _number(environ, "ROOST_MESSAGES_PER_MINUTE"),
            "new_chats_per_minute": _number(environ, "ROOST_NEW_CHATS_PER_MINUTE"),
            "restriction_lasts": _hours(environ, "ROOST_RESTRICTION_HOURS"),
            "send_ahead": _number(environ, "ROOST_SEND_AHEAD"),
        }
        return cls(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


def _path(environ: Mapping[str, str], name: str) -> Path:
    return Path(environ.get(name) or Path(tempfile.gettempdir()) / f"roost-devices-{os.getuid()}").absolute()


def _number(environ: Mapping[str, str], name: str) -> int | None:
    text = environ.get(name)
    try:
        return None if not text else int(text)
    except ValueError:
        raise SettingsError(f"{name} must be a whole number, not {text!r}") from None


def _seconds(environ: Mapping[str, str], name: str) -> timedelta | None:
    text = environ.get(name)
    try:
        return None if not text else timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise SettingsError(f"{name} must be a number of seconds, not {text!r}") from None


def _hours(environ: Mapping[str, str], name: str) -> timedelta | None:
    text = environ.get(name)
    try:
        return None if not text else timedelta(hours=float(text))
    except (ValueError, OverflowError):
        raise SettingsError(f"{name} must be a number of hours, not {text!r}") from None
