"""`python -m infra.local.events`: takes the connectors' events off their queue, as the Lambda does in AWS.

What could not be consumed stays on the queue, comes again, and ends in the dead-letter queue.
"""

from __future__ import annotations

import logging
import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from connector.logs import log_as_json
from control_plane.consumer import EventConsumer
from infra.aws.clients import AwsSettings, Clients
from infra.aws.errors import AwsError
from infra.aws.queues import Queues

if TYPE_CHECKING:
    from infra.aws.queues import Received

_POLL = timedelta(seconds=1)
"""How long a stop may have to wait for a quiet queue."""
_COMES_AGAIN_AFTER = timedelta(seconds=10)
"""What a consumer that was killed had received; a Lambda's events are hidden for a minute."""
_AFTER_FAILURE_SECONDS = 1.0

logger = logging.getLogger(__name__)


def consume_until(stop: threading.Event, queues: Queues, consumer: EventConsumer) -> None:
    """Consume events as they come. AWS that cannot be reached for a while is waited for."""
    while not stop.is_set():
        try:
            received = queues.receive_events(wait=_POLL, hidden_for=_COMES_AGAIN_AFTER)
            queues.delete_events([event.handle for event in received if _consumed(consumer, event)])
        except AwsError as error:
            logger.warning("events_not_received", extra={"error": str(error)})
            stop.wait(_AFTER_FAILURE_SECONDS)


def _consumed(consumer: EventConsumer, event: Received[str]) -> bool:
    try:
        consumer.consume(event.message)
    except Exception:  # the border of one event: the others must not wait for it
        logger.exception("event_not_consumed")
        return False
    return True


def main() -> None:
    """Consume until SIGTERM."""
    log_as_json()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    clients = Clients(AwsSettings.from_environment())
    consume_until(stop, Queues(clients), EventConsumer.on(clients))


if __name__ == "__main__":
    main()
