"""A whole connector on moto and the sandbox: everything but the API."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING

import msgspec

from infra.contract.calls import Done, LogoutWanted, PairingCodeShown, PairingCodeWanted, Refused
from infra.contract.message import PENDING, OutboundStatus, Text
from infra.contract.queues import MessageReceived, ReceiptReceived
from infra.contract.session import Desired, DisconnectReason, SessionStatus
from tests.connector.conftest import Connector, linked
from tests.processes import arguments, children
from tests.sandbox.conftest import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from connector.settings import Settings
    from infra.aws.clients import Clients
    from tests.connector.customer import Customer
    from tests.sandbox.conftest import Control

    NewConnector = Callable[[], Connector]


async def test_the_main_job(new_connector: NewConnector, customer: Customer, control: Control) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        ref = customer.send("hello Bob", BOB)
        sent = await customer.sent(ref)
        [read] = await control.received(BOB)
        delivered = await customer.event_when(lambda event: isinstance(event, ReceiptReceived))
        await control.send(BOB, ADA, "hello Ada")
        answer = await customer.event_when(lambda event: isinstance(event, MessageReceived))

    session = customer.session()
    assert (session.phone_number, session.linked, session.link_offer) == (ADA, True, None)
    assert (read["text"], read["id"]) == ("hello Bob", sent.wa_id)
    assert isinstance(delivered, ReceiptReceived)
    assert (delivered.wa_ids, delivered.status) == ((sent.wa_id,), OutboundStatus.DELIVERED)
    assert isinstance(answer, MessageReceived)
    assert (answer.content, answer.sender_number) == (Text("hello Ada"), BOB)
    assert customer.blobs.load(customer.id) is not None


async def test_after_a_drain_it_connects_again_without_a_qr(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
    handed_over = customer.session()

    async with new_connector():
        session = await customer.status(SessionStatus.CONNECTED)

    assert handed_over.status is SessionStatus.STARTING
    assert session.fence > handed_over.fence


async def test_a_drain_amid_sends_loses_and_doubles_none_of_them(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    texts = [f"text {number}" for number in range(60)]
    async with new_connector():
        await linked(customer, control, ADA)
        refs = [customer.send(text, BOB) for text in texts]
        await customer.sent(refs[0])
    waiting = customer.session().backlog
    async with new_connector():
        await customer.sent(refs[-1])

    arrived = await control.received(BOB, len(texts))
    assert [message["text"] for message in arrived] == texts
    assert 0 < waiting < len(texts)  # it was amid them


async def test_a_connector_elsewhere_goes_on_from_the_blob(
    new_connector: NewConnector, customer: Customer, control: Control, tmp_path: Path
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
        await customer.sent(customer.send("from the first", BOB))
    shutil.rmtree(tmp_path / "devices")

    async with new_connector():
        await customer.status(SessionStatus.CONNECTED)
        await customer.sent(customer.send("from the second", BOB))
        read = await control.received(BOB, 2)

    assert [message["text"] for message in read] == ["from the first", "from the second"]


async def test_many_messages_arrive_in_order_and_once(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        refs = [customer.send(f"number {number}", BOB) for number in range(100)]
        await customer.sent(refs[-1])
        read = await control.received(BOB, 100)
        await customer.session_when(lambda session: session.backlog == 0)

    assert [message["text"] for message in read] == [f"number {number}" for number in range(100)]


async def test_what_was_accepted_while_nobody_served_is_sent_later(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
    ref = customer.send("are you there?", BOB)

    async with new_connector():
        await customer.sent(ref)

    assert [message["text"] for message in await control.received(BOB)] == ["are you there?"]


async def test_a_killed_device_host_costs_no_message_and_doubles_none(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)
        refs = [customer.send(f"number {number}", BOB) for number in range(60)]
        await customer.message_when(refs[10], lambda message: message.status is OutboundStatus.SENT)

        os.kill(the_host(), signal.SIGKILL)
        await customer.session_when(lambda session: session.reason is DisconnectReason.HOST_CRASHED)
        await customer.status(SessionStatus.CONNECTED)
        for ref in refs:
            await customer.message_when(ref, lambda message: message.status not in PENDING)

    read = [message["text"] for message in await control.received(BOB, 59)]
    assert read == sorted(set(read), key=lambda text: int(text.split()[1]))


async def test_a_logout_forgets_the_device_and_its_blob(
    new_connector: NewConnector, customer: Customer, control: Control, tmp_path: Path
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        answer = await customer.ask(LogoutWanted())

        session = customer.session()
        assert answer == Done()
        assert (session.status, session.linked) == (SessionStatus.LOGGED_OUT, False)
        assert session.reason is DisconnectReason.LOGGED_OUT_BY_CUSTOMER
        assert customer.blobs.load(customer.id) is None
        assert not list((tmp_path / "devices").glob("ada.db*"))


async def test_an_unlink_on_the_phone_forgets_the_device_too(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        await control.post(f"/phones/{ADA}/unlink")

        session = await customer.status(SessionStatus.LOGGED_OUT)
        assert session.reason is DisconnectReason.LOGGED_OUT_BY_PHONE
        assert customer.blobs.load(customer.id) is None


async def test_a_pairing_code_links(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        customer.create()
        await customer.status(SessionStatus.AWAITING_LINK)

        shown = await customer.ask(PairingCodeWanted(ADA))
        assert isinstance(shown, PairingCodeShown)
        await control.post(f"/phones/{ADA}/enter-code", code=shown.code)

        await customer.status(SessionStatus.CONNECTED)


async def test_a_pairing_code_for_a_linked_session_is_refused(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        assert await customer.ask(PairingCodeWanted(ADA)) == Refused("session_linked")


async def test_a_stop_disconnects_and_a_start_connects_again(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        customer.want(Desired.STOPPED)
        await control.stats_when(lambda stats: stats["connections"] == 0)
        customer.want(Desired.RUNNING)

        await customer.status(SessionStatus.CONNECTED)


async def test_whatsapp_out_of_reach_is_said_and_tried_again(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    await control.fault("offline", None, seconds=60)
    async with new_connector():
        customer.create()

        session = await customer.status(SessionStatus.DISCONNECTED)
        later = await customer.session_when(lambda session: session.reconnect_attempts >= 2)
        await control.http.delete("/faults")

        assert session.reason is later.reason is DisconnectReason.UNREACHABLE
        await customer.status(SessionStatus.AWAITING_LINK)


async def test_a_number_that_is_not_on_whatsapp_fails_alone(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        lost = customer.send("nobody reads this", "15559999999")
        found = customer.send("but this", BOB)

        await customer.sent(found)
        failed = await customer.message_when(lost, lambda message: message.error)
        assert (failed.status, failed.error) == (OutboundStatus.FAILED, "not_on_whatsapp")


async def test_a_device_host_that_does_not_start_is_said_and_tried_again(
    clients: Clients, customer: Customer, connector_settings: Settings
) -> None:
    settings = msgspec.structs.replace(connector_settings, host_launcher=("false",))
    async with Connector(settings, clients):
        customer.create()

        session = await customer.session_when(lambda session: session.reconnect_attempts >= 2)

    assert session.reason is DisconnectReason.HOST_CRASHED


async def test_a_customer_may_stop_and_start_in_one_breath(
    new_connector: NewConnector, customer: Customer, control: Control
) -> None:
    async with new_connector():
        await linked(customer, control, ADA)

        for _ in range(3):
            customer.want(Desired.STOPPED)
            customer.want(Desired.RUNNING)

        await customer.status(SessionStatus.CONNECTED)
        await customer.sent(customer.send("still here", BOB))


def the_host() -> int:
    """Give the process id of the only device host of this process."""
    [host] = [pid for pid in children(os.getpid()) if "device_host" in " ".join(arguments(pid))]
    return host
