"""What a device received, kept in files until its supervisor has passed it on: they outlive both processes.

The files of one start of a device have a name in common, and a number each. When one is full the next is
begun, and the supervisor is told, who deletes it once its reports are published. Nothing is synced: the
kernel keeps what was written when a process is killed.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from connector.device_host.protocol import PREFIX_BYTES, decode_report, frame

if TYPE_CHECKING:
    from pathlib import Path

    from connector.device_host.protocol import Report

SUFFIX = ".events"
_FULL_BYTES = 32_768
"""So little that it is no matter when all of it is published once more."""


def spool_file(folder: Path, name: str, number: int) -> Path:
    """Give the path of a spool's file."""
    return folder / f"{name}.{number}{SUFFIX}"


class SpoolWriter:
    """Writes the files of one start of a device, each when it is needed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._number = 0
        self._descriptor: int | None = None
        self._size = 0

    def append(self, report: Report) -> bool:
        """Keep a report; True if it is the last of its file. Raises OSError: then nothing may follow."""
        data = frame(report)
        if self._descriptor is None:
            path = spool_file(self._folder, self._name, self._number)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if os.write(self._descriptor, data) < len(data):
            raise OSError(errno.ENOSPC, "a report did not fit on the disk")
        self._size += len(data)
        if self._size < _FULL_BYTES:
            return False
        self.close()
        self._number += 1
        return True

    def close(self) -> None:
        """Write no more; the files stay."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._size = None, 0


def read_spool(path: Path) -> list[Report]:
    """Give the reports of a file, but for one that was being written when its host was killed."""
    reports, data = [], memoryview(path.read_bytes())
    while len(data) >= PREFIX_BYTES:
        end = PREFIX_BYTES + int.from_bytes(data[:PREFIX_BYTES], "big")
        if len(data) < end:
            break
        reports.append(decode_report(bytes(data[PREFIX_BYTES:end])))
        data = data[end:]
    return reports
