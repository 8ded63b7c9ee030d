"""What tests of messages do over and over: post one, send it as the connector does, receive one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.ids import InboundRef
from infra.contract.jid import Jid
from infra.contract.message import Inbound
from tests.api.gateway import FENCE, SUPPORT, Gateway

if TYPE_CHECKING:
    import httpx

    from infra.contract.message import InboundContent

MESSAGES = "/v1/sessions/support/messages"
BOB = "14155550101"


async def send(gateway: Gateway, text: str = "Hello", **headers: str) -> httpx.Response:
    """Post a text to Bob."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await gateway.http.post(MESSAGES, json={"to": f"+{BOB}", "text": text}, headers=named)


def mark_sent(gateway: Gateway, seq: int = 1) -> None:
    """Send as the session's connector does."""
    (message,) = [each for each in gateway.outbox.pending(SUPPORT, after=seq - 1) if each.ref.seq == seq]
    assert gateway.outbox.mark_sending(message, fence=FENCE) is not None
    gateway.outbox.mark_sent(SUPPORT, message.ref, wa_id="3EB0AA", at=gateway.clock.now(), fence=FENCE)


def receive(gateway: Gateway, content: InboundContent, *, wa_id: str = "3EB0BB") -> None:
    """Store a message from Bob as the consumer of events does."""
    at = gateway.clock.now()
    bob = Jid.phone_number(BOB)
    ref = InboundRef(int(at.timestamp() * 1000), wa_id)
    gateway.messages.store_inbound(Inbound(SUPPORT, ref, bob, bob, content, at))
