"""What a linked device still has to confirm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.contract.jid import Jid
from infra.sandbox.network.mailbox import Letter, Mailbox
from infra.sandbox.wire.binary_xml import decode
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.storage import Storage
    from infra.sandbox.wire.node import Attributes
    from tests.unit.sandbox.network.conftest import Disk

DEVICE = "14155550100:1"
BOB, CYD, GROUP = Jid.lid("1002"), Jid.lid("1003"), Jid("1203630", "g.us")
IN_GROUP: Attributes = {"id": "A", "from": GROUP, "participant": CYD}


def message(message_id: str, **more: str | Jid) -> Node:
    """Give a message from Bob."""
    attrs: Attributes = {"id": message_id, "from": BOB, "type": "text"}
    return Node("message", attrs | more, [Node("enc", {}, b"secret")])


def receipt(message_id: str, to: Jid = BOB, **more: str | Jid) -> Node:
    """Give the device's receipt for a message of Bob's."""
    attrs: Attributes = {"id": message_id, "to": to}
    return Node("receipt", attrs | more)


def ack(message_id: str, of: str, **more: str | Jid) -> Node:
    """Give the device's acknowledgement of a stanza from Bob."""
    attrs: Attributes = {"id": message_id, "class": of, "to": BOB}
    return Node("ack", attrs | more)


def ids(mailbox: Mailbox) -> list[str]:
    """Give the ids of what is unconfirmed, in order."""
    return [decode(letter.stanza).text("id") for letter in mailbox]


def restored(storage: Storage) -> Mailbox:
    """Give the mailbox as the storage has it."""
    mailbox = Mailbox(storage, DEVICE)
    for letter in storage.load("letter", Letter).values():
        mailbox.restore(letter)
    return mailbox


def test_what_is_not_confirmed_stays_in_order(disk: Disk) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    for message_id in "ABCD":
        mailbox.put(message(message_id))

    mailbox.settle(receipt("B"))
    mailbox.settle(receipt("D", type="inactive"))

    assert ids(mailbox) == ["A", "C"]
    assert len(mailbox) == 2


@pytest.mark.parametrize(
    ("stanza", "answer"),
    [
        (message("A"), receipt("A")),
        (message("A"), receipt("A", type="retry")),
        (message("A"), ack("A", "message")),
        (Node("message", IN_GROUP), receipt("A", GROUP, participant=CYD)),
        (Node("receipt", {"id": "A", "from": BOB}), ack("A", "receipt")),
        (Node("receipt", {"id": "A", "from": BOB, "type": "read"}), ack("A", "receipt", type="read")),
        (
            Node("notification", {"id": "A", "from": BOB, "type": "devices"}),
            ack("A", "notification", type="devices"),
        ),
    ],
)
def test_each_stanza_has_its_confirmation(disk: Disk, stanza: Node, answer: Node) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    mailbox.put(stanza)

    mailbox.settle(answer)

    assert ids(mailbox) == []


@pytest.mark.parametrize(
    "answer",
    [
        receipt("B"),
        receipt("A", CYD),
        receipt("A", participant=CYD),
        ack("A", "receipt"),
        ack("A", "notification", type="text"),
    ],
)
def test_other_answers_confirm_nothing(disk: Disk, answer: Node) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    mailbox.put(message("A"))

    mailbox.settle(answer)

    assert ids(mailbox) == ["A"]


def test_of_two_stanzas_with_the_same_confirmation_the_older_is_settled_first(disk: Disk) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    first, again = mailbox.put(message("A", t="1")), mailbox.put(message("A", t="2"))

    mailbox.settle(receipt("A"))
    assert list(mailbox) == [again]
    mailbox.settle(receipt("A"))
    mailbox.settle(receipt("A"))
    assert first.confirmation == again.confirmation
    assert list(mailbox) == []


def test_unconfirmed_stanzas_come_back_in_order_after_a_restart(disk: Disk) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    for number in range(12):
        mailbox.put(message(str(number)))
    mailbox.settle(receipt("0"))
    mailbox.settle(receipt("5"))

    again = restored(disk.restart())
    again.put(message("12"))

    assert ids(again) == ["1", "2", "3", "4", "6", "7", "8", "9", "10", "11", "12"]
    again.settle(receipt("1"))
    assert ids(restored(disk.restart())) == ids(again)


def test_the_mail_of_an_unlinked_device_is_gone_for_good(disk: Disk) -> None:
    mailbox = Mailbox(disk.storage, DEVICE)
    mailbox.put(message("A"))

    mailbox.burn()

    mailbox.settle(receipt("A"))
    assert (len(mailbox), len(restored(disk.restart()))) == (0, 0)


@given(steps=st.lists(st.tuples(st.sampled_from(["put", "settle"]), st.sampled_from("ABC")), max_size=30))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mailbox_is_a_queue_for_each_id(disk: Disk, steps: list[tuple[str, str]]) -> None:
    mailbox, expected = Mailbox(disk.storage, DEVICE), list[str]()

    for step, message_id in steps:
        if step == "put":
            mailbox.put(message(message_id))
            expected.append(message_id)
        else:
            mailbox.settle(receipt(message_id))
            if message_id in expected:
                expected.remove(message_id)

    assert ids(mailbox) == expected
