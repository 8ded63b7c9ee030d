"""What a send costs in DynamoDB's write units."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.aws.messages import Idempotency, Messages
from infra.aws.sessions import Sessions
from tests.aws.builders import ADA, a_connected_session, an_outbound
from tests.aws.write_units import Meter, costs_of_a_send

if TYPE_CHECKING:
    from infra.aws.clients import Clients


def test_a_short_text_costs_eight_write_units_until_it_is_read(embedded: Clients) -> None:
    assert costs_of_a_send(embedded) == {
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
