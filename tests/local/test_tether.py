"""A tied process dies with its parent."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_PARENT = """
import subprocess, time
from infra.local import tether
subprocess.Popen(tether.command("http.server", "--bind", "127.0.0.1", "0"))
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the tie is Linux's")
def test_a_kill_of_the_parent_kills_what_it_started() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as parent:
        assert parent.stdout is not None
        assert b"Serving HTTP" in parent.stdout.readline()

        parent.kill()

        assert parent.stdout.read() == b""  # the end of the pipe: nobody is left who could write


def test_an_orphan_does_not_even_start() -> None:
    not_our_parent = os.getpid() + 1

    command = [sys.executable, "-m", "infra.local.tether", str(not_our_parent), "this"]
    run = subprocess.run(command, capture_output=True, check=False)

    assert (run.returncode, run.stdout) == (1, b"")
