"""The embedded AWS in a process of its own, for what moto does not do as DynamoDB does."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def embedded_aws(folder: Path) -> Iterator[str]:
    """Run it with its state in a folder; give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = ["-m", "infra.local.embedded_aws", "--fd", str(listening.fileno()), "--dir", str(folder)]
        program = subprocess.Popen([sys.executable, *command], pass_fds=[listening.fileno()])
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            program.terminate()
            program.wait(20)
