"""WhatsApp's 463 with a whole connector and the real neonize."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.message import OutboundStatus
from infra.contract.queues import MessageReceived
from infra.contract.session import Desired
from tests.connector.conftest import linked
from tests.sandbox.conftest import ADA, BOB, CYD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connector.conftest import Connector
    from tests.connector.customer import Customer
    from tests.sandbox.conftest import Control


async def test_replies_pass_a_restriction_and_strangers_wait_for_its_end(
    new_connector: Callable[[], Connector], customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
        await control.send(CYD, ADA, "a question")
        await customer.event_when(lambda event: isinstance(event, MessageReceived))
        await control.fault("send-error-463")

        met, held = customer.send("met it", BOB), customer.send("held", BOB)
        failed = await customer.message_when(met, lambda message: message.error)
        await customer.sent(customer.send("an answer", CYD))
        waiting = await customer.message_when(held, lambda message: message.status is OutboundStatus.QUEUED)
        restricted = customer.session()
        customer.want(Desired.RUNNING)
        await customer.sent(held)

    assert (failed.status, failed.error) == (OutboundStatus.FAILED, "reach_out_restricted")
    assert restricted.restriction is not None
    assert waiting.attempts == 0
    assert [message["text"] for message in await control.received(BOB)] == ["held"]
