"""A long poll whose process is gone: SQS may give it a nudge all the same, and hide that from all others."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.queues import Queues
from infra.contract import keys
from infra.contract.queues import Nudge, NudgeReason
from tests.aws.builders import ADA
from tests.aws.embedded import environment_of

if TYPE_CHECKING:
    from infra.aws.clients import Clients

POLL = """
from infra.aws.clients import AwsSettings, Clients
from infra.aws.queues import Queues
queues = Queues(Clients(AwsSettings.from_environment()))
queues._url("{queue}")
print("polling", flush=True)
queues.receive_nudges(0)
"""


def test_a_nudge_that_a_dead_poll_took_comes_again_within_seconds(embedded: Clients) -> None:
    queues, nudge = Queues(embedded), Nudge(ADA, NudgeReason.SEND)
    _poll_and_die(embedded)

    queues.nudge(0, nudge)
    time.sleep(1)  # the dead poll has it by now
    nobody = queues.receive_nudges(0, wait=timedelta())
    received = queues.receive_nudges(0, wait=timedelta(seconds=10))

    assert not nobody
    assert [each.message for each in received] == [nudge]


def _poll_and_die(clients: Clients) -> None:
    command = [sys.executable, "-c", POLL.format(queue=keys.shard_queue(clients.settings.stack, 0))]
    environment = environment_of(clients.settings)
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        time.sleep(0.5)  # until the poll is at the queue
        program.kill()
