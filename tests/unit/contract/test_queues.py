"""What travels on the queues is read back as it was written, or refused by name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.ids import SessionId
from infra.contract.jid import Jid
from infra.contract.message import OutboundStatus, Text
from infra.contract.queues import (
    BadQueueMessageError,
    ConnectorEvent,
    MessageReceived,
    Nudge,
    NudgeReason,
    ReceiptReceived,
    decode_event,
    decode_nudge,
    encode,
)

SHOP, NOW = SessionId("shop"), datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
BOB = Jid.lid("83471112233")


@pytest.mark.parametrize("reason", NudgeReason)
def test_a_nudge_is_read_back(reason: NudgeReason) -> None:
    nudge = Nudge(SHOP, reason)

    assert decode_nudge(encode(nudge)) == nudge


@pytest.mark.parametrize(
    "event",
    [
        MessageReceived(SHOP, "3EB0", BOB, BOB.with_device(2), Text("hello"), NOW, "14155550101", "Bob"),
        ReceiptReceived(SHOP, ("3EB0", "3EB1"), OutboundStatus.READ, NOW),
    ],
)
def test_an_event_is_read_back(event: ConnectorEvent) -> None:
    assert decode_event(encode(event)) == event


@given(st.text(max_size=60))
def test_any_other_text_is_refused_by_name(body: str) -> None:
    with pytest.raises(BadQueueMessageError):
        decode_event(body)
