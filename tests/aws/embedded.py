"""The embedded AWS in a process of its own, for what moto does not do as DynamoDB does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.aws.clients import AwsSettings


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


def environment_of(settings: AwsSettings) -> dict[str, str]:
    """Give the environment that leads another process to a stack in it."""
    return {
        **os.environ,
        "AWS_ENDPOINT_URL": settings.endpoint_url or "",
        "AWS_REGION": settings.region,
        "AWS_ACCESS_KEY_ID": "test",  # it checks none
        "AWS_SECRET_ACCESS_KEY": "test",
        "ROOST_STACK": settings.stack,
        "ROOST_SHARDS": str(settings.shards),
    }
