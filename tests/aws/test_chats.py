"""What is known of a chat: whether anybody wrote, and with which message it began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.aws.chats import Chats
from infra.contract.ids import OutboundRef
from tests.aws.builders import ADA, BOB, CYD, an_inbound, an_outbound

if TYPE_CHECKING:
    from infra.aws.clients import Clients
    from infra.aws.messages import Messages


@pytest.fixture
def chats(clients: Clients) -> Chats:
    """Give the chats of an empty stack."""
    return Chats(clients)


def test_who_wrote_once_is_known_however_much_was_written_to_them_since(
    messages: Messages, chats: Chats
) -> None:
    messages.store_inbound(an_inbound())
    for seq in range(1, 40):
        messages.accept(an_outbound(seq))

    assert chats.wrote(ADA, BOB)
    assert not chats.wrote(ADA, CYD)


def test_who_was_only_written_to_has_not_written(messages: Messages, chats: Chats) -> None:
    messages.accept(an_outbound())
    messages.store_inbound(an_inbound(from_me=True, seconds=5))

    assert not chats.wrote(ADA, BOB)


def test_a_chat_begins_with_its_first_message_only(messages: Messages, chats: Chats) -> None:
    messages.accept(an_outbound(1))
    messages.accept(an_outbound(2))

    assert chats.begins_with(ADA, BOB, OutboundRef(1))
    assert not chats.begins_with(ADA, BOB, OutboundRef(2))
    assert chats.begins_with(ADA, CYD, OutboundRef(3))
