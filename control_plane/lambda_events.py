"""The consumer of the connectors' events as AWS Lambda runs it: what fails comes again, the rest is done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from control_plane.consumer import EventConsumer
from infra.aws.clients import AwsSettings, Clients

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

log = logging.getLogger(__name__)

_consumer = EventConsumer.on(Clients(AwsSettings.from_environment()))
_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Consume a batch, and name the records that must come again; after some times they are dead letters."""
    return process_partial_response(event, _consume, _processor, context)


def _consume(record: SQSRecord) -> None:
    try:
        _consumer.consume(record.body)
    except Exception as error:
        log.warning("event_failed", extra={"record": record.message_id, "cause": type(error).__name__})
        raise
