"""What the parts of the stack log, as lines for people: who, when, what, and the fields behind it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_LEVEL_COLOURS = {"WARNING": 33, "ERROR": 31, "CRITICAL": 31}
_NAMES = ("event", "message", "msg")
_NOT_SHOWN = frozenset({*_NAMES, "at", "level", "timestamp", "time", "location", "service", "logger"})
_WIDTH = 12


class LogLines:
    """Writes lines to a stream, in colours if it is a terminal that wants them."""

    def __init__(self, stream: TextIO = sys.stderr, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        self._coloured = stream.isatty() and not environ.get("NO_COLOR")
        self._known: dict[str, int] = {}

    def write(self, name: str, line: str) -> None:
        """Write one line of a program; a line of JSON with an event's name is laid out."""
        colour = self._known.setdefault(name, _COLOURS[len(self._known) % len(_COLOURS)])
        text = self._laid_out(line)
        self._stream.write(f"{self._painted(f'{name:<{_WIDTH}}|', colour)} {text}\n")
        self._stream.flush()

    def _laid_out(self, line: str) -> str:
        record = _record(line)
        if record is None:
            return line
        level = str(record.get("level", "INFO")).upper()
        said = next(str(record[name]) for name in _NAMES if name in record)
        fields = " ".join(f"{key}={_shown(value)}" for key, value in record.items() if key not in _NOT_SHOWN)
        if level in _LEVEL_COLOURS:
            said = self._painted(f"{level.lower()}: {said}", _LEVEL_COLOURS[level])
        return f"{said}  {self._painted(fields, 2)}" if fields else said

    def _painted(self, text: str, colour: int) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._coloured else text


def _record(line: str) -> dict[str, Any] | None:
    """Read a line of JSON that has an event's name, or None."""
    if not line.startswith("{"):
        return None
    try:
        record = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return None
    return record if isinstance(record, dict) and any(name in record for name in _NAMES) else None


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f'"{text}"' if " " in text else text
