"""A customer cancels in the moment in which a connector claims."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.contract.ids import OutboundRef
from infra.contract.message import OutboundStatus
from tests.aws.builders import ADA, an_outbound

if TYPE_CHECKING:
    from infra.aws.clients import Clients


def test_a_cancel_and_a_claim_at_once_have_one_winner(embedded: Clients) -> None:
    messages, outbox = Messages(embedded), Outbox(embedded)
    places = range(1, 101)
    for place in places:
        messages.accept(an_outbound(place))

    with ThreadPoolExecutor(16) as pool:
        both = [
            (
                pool.submit(messages.cancel, ADA, OutboundRef(place)),
                pool.submit(outbox.mark_sending, an_outbound(place), fence=1),
            )
            for place in places
        ]

    for place, (cancel, claim) in zip(places, both, strict=True):
        cancelled, claimed = cancel.result(), claim.result()
        assert (cancelled is None) is not (claimed is None)
        stored = messages.find(ADA, OutboundRef(place), consistent=True)
        assert stored == (cancelled or claimed)
        assert (cancelled or claimed) is not None
        assert {OutboundStatus.CANCELLED, OutboundStatus.SENDING} >= {getattr(stored, "status", None)}
