"""Counts DynamoDB's write units: half of what a million sends cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.aws.sessions import Sessions
from infra.contract.ids import OutboundRef
from infra.contract.message import OutboundStatus
from tests.aws.builders import ADA, NOW, a_connected_session, an_outbound

if TYPE_CHECKING:
    from infra.aws.clients import Clients

FIRST = OutboundRef(1)


class Meter:
    """Adds up the write units of one stack's clients."""

    def __init__(self, clients: Clients) -> None:
        self.units = 0.0
        events: Any = clients.dynamodb.meta.events
        for operation in ("PutItem", "UpdateItem", "TransactWriteItems"):
            events.register(f"provide-client-params.dynamodb.{operation}", self._ask)
            events.register(f"after-call.dynamodb.{operation}", self._add)

    def take(self) -> float:
        """Give the units since the last time."""
        taken, self.units = self.units, 0.0
        return taken

    def _ask(self, params: dict[str, Any], **_details: object) -> dict[str, Any]:
        return {**params, "ReturnConsumedCapacity": "TOTAL"}

    def _add(self, parsed: dict[str, Any], **_details: object) -> None:
        consumed = parsed["ConsumedCapacity"]
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.units += each["CapacityUnits"]


def costs_of_a_send(clients: Clients) -> dict[str, float]:
    """Take a short text from its acceptance to its being read, and give the units of each step."""
    sessions, messages, outbox = Sessions(clients), Messages(clients), Outbox(clients)
    sessions.create(a_connected_session(name="Ada", push_name="Ada", phone_number="14155550100", fence=1))
    meter = Meter(clients)
    costs = {}

    sessions.take_place(ADA, backlog_limit=10)
    costs["take a place"] = meter.take()
    messages.accept(an_outbound())
    costs["accept"] = meter.take()
    outbox.mark_sending(an_outbound(), fence=1)
    costs["sending"] = meter.take()
    outbox.mark_sent(ADA, FIRST, wa_id="3EB0C0FFEE", at=NOW, fence=1)
    costs["sent"] = meter.take()
    messages.advance(ADA, FIRST, OutboundStatus.DELIVERED, at=NOW)
    costs["delivered"] = meter.take()
    messages.advance(ADA, FIRST, OutboundStatus.READ, at=NOW)
    costs["read"] = meter.take()
    return costs
