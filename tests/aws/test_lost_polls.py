"""A long poll whose process is gone: SQS may give it a nudge all the same, and hide that from all others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from infra.aws.queues import Queues
from infra.contract.queues import Nudge, NudgeReason
from tests.aws.builders import ADA

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
    settings = clients.settings
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": settings.endpoint_url or "",
        "AWS_REGION": settings.region,
        "ROOST_STACK": settings.stack,
    }
    script = POLL.format(queue=f"{settings.stack}-shard-0")
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        time.sleep(0.5)  # until the poll is at the queue
        program.kill()
