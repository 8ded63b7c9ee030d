"""The processes of this machine, as /proc shows them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """Give the children of a process; none if it is gone."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def arguments(pid: int) -> list[str]:
    """Give the command line of a process; empty if it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return []


def program(module: str, *, of: int | None = None) -> int:
    """Give the child of a process, or of ours, that runs a module; raises LookupError while there is none."""
    for pid in children(of or os.getpid()):
        if module in arguments(pid):
            return pid
    raise LookupError(f"nobody runs {module}")


def environment(pid: int) -> dict[str, str]:
    """Give what a process was started with."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def that_name(folder: Path) -> list[int]:
    """Give the processes that have this folder in their command line, as every device host has."""
    everybody = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    others = (pid for pid in everybody if pid != os.getpid())
    return [pid for pid in others if any(str(folder) in part for part in arguments(pid))]


def resident(pid: int) -> float:
    """Give the megabytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


def threads(pid: int) -> int:
    """Give the number of a process's threads."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def descriptors(pid: int) -> int:
    """Give the number of files and sockets that a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
