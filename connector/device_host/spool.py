"""What a device received, kept in files until its supervisor has passed it on: they outlive both processes.

The files of one start of a device have a name in common, and a number each. When one is full the next is
begun, and the supervisor is told, who deletes it once its reports are published. Nothing is synced: the
kernel keeps what was written when a process is killed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from connector.device_host.frames import PREFIX_BYTES, decode_report, frame

if TYPE_CHECKING:
    from pathlib import Path

    from connector.device_host.protocol import Report

SUFFIX = ".events"
_FULL_BYTES = 32_768
"""So little that it is no matter when all of it is published once more."""


def spool_file(folder: Path, name: str, number: int) -> Path:
    """Give the path of a spool's file."""
    return folder / f"{name}.{number}{SUFFIX}"


def spool_name(file: Path) -> str:
    """Give the name of the spool that a file belongs to."""
    return file.name.removesuffix(SUFFIX).rpartition(".")[0]


class SpoolWriter:
    """Writes the files of one start of a device, each when it is needed."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._number = 0
        self._descriptor: int | None = None
        self._size = 0
        self._is_broken = False

    def append(self, report: Report) -> bool:
        """Keep a report; True if it is the last of its file.

        Once the disk does not take it, nothing is kept any more: nothing may follow half a report.
        """
        if self._is_broken:
            return False
        try:
            self._write(frame(report))
        except OSError:
            self._is_broken = True
        if self._is_broken or self._size < _FULL_BYTES:
            return False
        self.close()
        self._number += 1
        return True

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            path = spool_file(self._folder, self._name, self._number)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        written = os.write(self._descriptor, data)
        self._size += written
        self._is_broken = written < len(data)

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
