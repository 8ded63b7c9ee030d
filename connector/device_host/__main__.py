"""The program of a device host: commands come by standard input, reports leave by the descriptor it is given.

It is run as a script, so that a launcher can stand before it. Standard output and error belong to Go.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import traceback

from neonize.utils.log import log as neonize_log

from connector.device_host.host import Host


def main(descriptor: str) -> None:
    """Serve until the supervisor closes the pipe, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches us too; the supervisor decides
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    logging.disable(logging.CRITICAL)  # whatsmeow logs numbers and texts
    neonize_log.setLevel(logging.ERROR)
    try:
        Host(sys.stdin.buffer, socket.socket(fileno=int(descriptor))).serve()
    except Exception:  # noqa: BLE001 - the border of the process: its threads would keep it alive
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
