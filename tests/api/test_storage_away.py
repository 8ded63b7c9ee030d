"""AWS goes away in the midst of accepting a message: what was promised then, and what was not."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.api.gateway import SUPPORT
from tests.api.sending import send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.gateway import Gateway


@contextlib.contextmanager
def away(client: Any, operation: str) -> Iterator[None]:
    """Let nothing answer this operation."""
    event = f"before-call.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def refuse(**_details: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://away.test")

    client.meta.events.register(event, refuse)
    try:
        yield
    finally:
        client.meta.events.unregister(event, refuse)


@pytest.mark.parametrize(("operation", "places"), [("UpdateItem", 0), ("PutItem", 1)])
async def test_a_table_that_is_away_promises_nothing(gateway: Gateway, operation: str, places: int) -> None:
    await gateway.linked()

    with away(gateway.clients.dynamodb, operation):
        refused = await send(gateway)
    accepted = await send(gateway)

    assert (refused.status_code, refused.json()["code"]) == (503, "storage_unreachable")
    assert refused.headers["retry-after"] == "2"
    assert accepted.json()["id"] == f"o_{places + 1}"
    assert len(gateway.outbox.pending(SUPPORT, after=0)) == 1


async def test_a_queue_that_is_away_costs_a_message_only_time(gateway: Gateway) -> None:
    await gateway.linked()

    with away(gateway.clients.sqs, "SendMessage"):
        answer = await send(gateway)

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert len(gateway.outbox.pending(SUPPORT, after=0)) == 1
