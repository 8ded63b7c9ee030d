"""Threads that read their first record all at once, each time in a process of its own."""

from __future__ import annotations

import subprocess
import sys

THREADS = """
import sys
import threading

from infra.aws import message_items
from tests.aws.builders import NOW, an_outbound

ITEM = message_items.write_message(an_outbound(), delete_at=NOW)
START = threading.Barrier(8)


def read():
    START.wait()
    message_items.read_outbound(ITEM)


sys.setswitchinterval(1e-6)  # threads take turns in the middle of everything
threads = [threading.Thread(target=read) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_threads_may_read_their_first_record_at_once() -> None:
    ended = [subprocess.run([sys.executable, "-c", THREADS], check=False).returncode for _ in range(6)]

    assert ended == [0] * 6
