"""What a send costs in DynamoDB's write units: half of what a million sends cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.aws.messages import Idempotency, Messages
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


def test_a_short_text_costs_eight_write_units_until_it_is_read(embedded: Clients) -> None:
    sessions, messages, outbox = Sessions(embedded), Messages(embedded), Outbox(embedded)
    sessions.create(a_connected_session(name="Ada", push_name="Ada", phone_number="14155550100", fence=1))
    meter = Meter(embedded)
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

    assert costs == {
        "take a place": 1,
        "accept": 2,  # and its entry in messages-by-chat
        "sending": 1,
        "sent": 2,  # and its entry in messages-by-wa-id
        "delivered": 1,
        "read": 1,
    }


def test_an_idempotency_key_makes_accepting_three_units_dearer(embedded: Clients) -> None:
    meter = Meter(embedded)

    Messages(embedded).accept(an_outbound(), Idempotency("key", "hash"))

    assert meter.take() == 5


def test_the_watermark_costs_one_unit_for_any_number_of_messages(embedded: Clients) -> None:
    sessions = Sessions(embedded)
    sessions.create(a_connected_session(seq=1000, backlog=1000))
    meter = Meter(embedded)

    sessions.move_watermark(ADA, since=0, up_to=1000, fence=1)

    assert meter.take() == 1
