"""A device host without neonize: its devices connect at once, and then do what their database's name says.

It stands where a launcher does, and ignores the program that it should launch.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from connector.device_host.frames import PREFIX_BYTES, decode_command, frame
from connector.device_host.protocol import (
    Connected,
    Ping,
    Pong,
    Ready,
    ReceiptSeen,
    Report,
    StartDevice,
    StopDevice,
    Stopped,
)
from infra.contract.message import OutboundStatus

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 80_000_000
CHATTER = 3000
MEMORY: list[bytes] = []


def main() -> None:
    """Serve as a device host does."""
    reports = socket.socket(fileno=int(sys.argv[-1]))

    def tell(report: Report) -> None:
        reports.sendall(frame(report))

    tell(Ready())
    while len(prefix := sys.stdin.buffer.read(PREFIX_BYTES)) == PREFIX_BYTES:
        match decode_command(sys.stdin.buffer.read(int.from_bytes(prefix, "big"))):
            case Ping():
                tell(Pong())
            case StartDevice(device=number, database=database):
                tell(Connected(number, "14155550100", None, None))
                act(Path(database).name, number, tell)
            case StopDevice(device=number):
                tell(Stopped(number))
            case _:
                pass


def act(name: str, device: int, tell: Callable[[Report], None]) -> None:
    """Do what a device of this name does."""
    match name:
        case "deadly":
            os._exit(2)  # as Go does after a panic
        case "large":
            MEMORY.append(b"x" * LARGE)
        case "chatty" | "talkative":
            for number in range(CHATTER):
                tell(ReceiptSeen(device, (str(number),), OutboundStatus.READ, datetime.now(UTC)))
            if name == "chatty":
                os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
