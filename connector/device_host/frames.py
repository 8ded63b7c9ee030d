"""How commands and reports travel: a length in four bytes, big-endian, and a msgspec message."""

from __future__ import annotations

import msgspec

from connector.device_host.protocol import Command, Report

PREFIX_BYTES = 4

_COMMAND: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_REPORT: msgspec.msgpack.Decoder[Report] = msgspec.msgpack.Decoder(Report)


def frame(message: Command | Report) -> bytes:
    """Write a frame: its length in four bytes, big-endian, and the message."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(PREFIX_BYTES, "big") + body


def decode_command(body: bytes) -> Command:
    """Read a command's frame without its prefix."""
    return _COMMAND.decode(body)


def decode_report(body: bytes) -> Report:
    """Read a report's frame without its prefix."""
    return _REPORT.decode(body)
