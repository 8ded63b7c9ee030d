"""A connector is lost with its folder, and another goes on from an older auth blob: what is still read."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest

from connector.signal_repair import Forgotten
from connector.spool import left_in
from control_plane.consumer import EventConsumer
from infra.aws.clients import AwsSettings, Clients
from infra.contract.message import Text
from infra.contract.queues import MessageReceived, encode
from infra.contract.session import SessionStatus
from infra.local.stack import create_stack
from tests.aws.embedded import embedded_aws
from tests.connector.conftest import Connector, linked
from tests.connector.lost_connector import LostConnector
from tests.connector.test_spool import published
from tests.moto_aws import moto_aws
from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, new_client
from tests.sandbox.conftest import link as link_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime
    from pathlib import Path

    from connector.settings import Settings
    from tests.connector.customer import Customer
    from tests.sandbox.neonize_client import NeonizeClient

    NewClient = Callable[[str], AbstractAsyncContextManager[NeonizeClient]]

__all__ = ["new_client"]

_NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of an embedded AWS, which other processes can reach."""
    with embedded_aws(tmp_path_factory.mktemp("embedded-aws")) as url:
        yield url


@pytest.fixture
def clients(embedded_url: str) -> Iterator[Clients]:
    """Give the clients of an empty stack there; moto only gives the credentials."""
    with moto_aws():
        clients = Clients(AwsSettings(stack=f"lost{next(_NUMBERS)}", shards=1, endpoint_url=embedded_url))
        create_stack(clients)
        yield clients


class Story:
    """What happens before and while a connector is lost, and what is seen after."""

    def __init__(
        self, customer: Customer, control: Control, settings: Settings, clients: Clients, folder: Path
    ) -> None:
        self.customer = customer
        self.control = control
        self._settings = msgspec.structs.replace(
            settings, save_after=timedelta(hours=1), lease_duration=timedelta(seconds=2)
        )
        self.clients = clients
        self.folder = folder

    def connector(self, name: str) -> Connector:
        """Make a connector with a folder of its own."""
        settings = msgspec.structs.replace(self._settings, devices_folder=self.folder / name)
        return Connector(settings, self.clients)

    def other_process(self, name: str) -> LostConnector:
        """Make a connector in a process of its own, with a folder of its own."""
        return LostConnector(self._settings, self.clients.settings, self.folder / name)

    async def say(self, text: str, *chats: str) -> None:
        """Have a text sent to some chats, one after the other."""
        for chat in chats:
            await self.customer.sent(self.customer.send(text, chat))

    async def until_lost(self, *chats: str) -> None:
        """Write to chats under a connector that drains, go on under another, and lose that."""
        customer, control = self.customer, self.control
        async with self.connector("first"):
            await linked(customer, control, ADA)
            await control.send(BOB, ADA, "hello Ada")
            await customer.event_when(_reads("hello Ada"))
            await self.say("before the copy", *chats)
        fence = customer.session().fence
        async with self.other_process("lost") as lost:
            await self.connected_after(fence)
            for number in (1, 2, 3):
                await self.say(f"after the copy {number}", *chats)
            await control.send(BOB, ADA, "did you get it?")
            await customer.event_when(_reads("did you get it?"))
            await control.settled()
            await lost.lose()

    def stored(self, text: str) -> int:
        """Have all events consumed that came so far, and count under how many ids a text is stored."""
        consumer = EventConsumer.on(self.clients)
        for event in self.customer.events:
            if isinstance(event, MessageReceived):
                consumer.consume(encode(event))
        messages = self.customer.messages.list(self.customer.id, limit=1000).items
        return sum(message.content == Text(text) for message in messages)

    async def connected_after(self, fence: int) -> None:
        """Wait until the session is connected under a newer lease."""
        await self.customer.session_when(
            lambda session: session.fence > fence and session.status is SessionStatus.CONNECTED
        )


@pytest.fixture
def story(
    customer: Customer, control: Control, connector_settings: Settings, clients: Clients, tmp_path: Path
) -> Story:
    """The story of Ada's session, and a connector that saves only when it links and when it drains."""
    return Story(customer, control, connector_settings, clients, tmp_path)


async def test_after_a_connector_is_lost_every_message_is_read_in_both_directions(
    story: Story, new_client: NewClient
) -> None:
    control, customer = story.control, story.customer
    group = str((await control.post("/groups", owner=BOB, subject="Friends", members=[ADA, CYD]))["id"])
    async with new_client("bob") as companion:
        await link_client(companion, control, BOB)
        await story.until_lost(BOB, group)
        duplicates = (await control.get("/stats"))["duplicate_counters"]
        await control.send(BOB, ADA, "while nobody was there")

        fence = customer.session().fence
        async with story.connector("next"):
            await story.connected_after(fence)
            await story.say("after all", BOB, group, CYD)
            await control.send(BOB, ADA, "to Ada")
            await control.send(CYD, group, "to all")
            await control.send(ADA, BOB, "from her own phone")

            for number, times in ((BOB, 2), (CYD, 2), (ADA, 3)):
                await control.received(number, times, where=lambda message: message["text"] == "after all")
            for text in ("while nobody was there", "to Ada", "to all", "from her own phone"):
                await customer.event_when(_reads(text))
            await _companion_reads(companion, "after all", times=2)
        assert (await control.get("/stats"))["duplicate_counters"] == duplicates == 0


async def test_without_the_repair_the_next_message_is_dropped_without_a_word(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.runner.forget_written", lambda *_: Forgotten(0, 0))
    await story.until_lost(BOB)

    fence = story.customer.session().fence
    async with story.connector("next"):
        await story.connected_after(fence)
        sent = await story.customer.sent(story.customer.send("lost", BOB))
        [dropped] = await story.control.received(BOB, where=lambda message: message["id"] == sent.wa_id)

    assert (dropped["text"], dropped["duplicate_counter"]) == (None, True)


async def test_a_container_that_wakes_after_a_take_over_is_only_a_moment_in_the_way(
    story: Story,
) -> None:
    customer, control = story.customer, story.control
    texts = [f"text {number}" for number in range(20)]
    async with story.other_process("frozen") as frozen:
        await linked(customer, control, ADA)
        fence = customer.session().fence
        frozen.stop()
        await control.send(BOB, ADA, "are you asleep?")
        async with story.connector("next"):
            await story.connected_after(fence)
            await story.say(texts[0], BOB)
            frozen.wake()
            for text in texts[1:]:  # long enough that both have met
                await story.say(text, BOB)
                await asyncio.sleep(0.2)
            await control.send(BOB, ADA, "still there?")
            await customer.event_when(_reads("still there?"))
            session = customer.session()
        left = await asyncio.to_thread(left_in, story.folder / "frozen")
        customer.events += await published(story.clients, *left)

    read = [message["text"] for message in await control.received(BOB, len(texts))]
    assert read == texts
    assert story.stored("are you asleep?") == 1
    assert (session.status, session.fence) == (SessionStatus.CONNECTED, fence + 1)


async def test_a_message_that_is_asked_for_again_though_it_was_stored_is_stored_once(story: Story) -> None:
    customer, control = story.customer, story.control
    async with story.connector("first"):
        await linked(customer, control, ADA)
    fence = customer.session().fence
    async with story.other_process("lost") as lost:
        await story.connected_after(fence)
        await control.send(CYD, ADA, "hello")
        await customer.event_when(_reads("hello"))
        await story.say("hello Cyd", CYD)
        await control.received(CYD)
        await control.fault("drop-receipt")
        await control.send(CYD, ADA, "known?")  # in a Signal session that the blob does not have
        await customer.event_when(_reads("known?"))
        await control.stats_when(lambda stats: stats["receipts_lost"] == 1)
        await lost.lose()
    fence = customer.session().fence
    async with story.connector("next"):
        await story.connected_after(fence)
        await customer.event_when(lambda _: len(_times(customer, "known?")) > 1)

    assert story.stored("known?") == 1


async def test_what_was_acknowledged_to_whatsapp_outlives_its_supervisor(story: Story) -> None:
    texts = [f"text {number}" for number in range(20)]

    async def bob_writes() -> None:
        for text in texts:
            await story.control.send(BOB, ADA, text)
        await story.control.settled()

    async with story.other_process("here") as first:
        await linked(story.customer, story.control, ADA)
        fence = story.customer.session().fence
        await first.kill(after=bob_writes)
        async with story.connector("here"):
            await story.connected_after(fence)
            for text in texts:
                await story.customer.event_when(_reads(text))

    assert not list((story.folder / "here").glob("*.events"))


def _times(customer: Customer, text: str) -> set[datetime]:
    events = [event for event in customer.events if isinstance(event, MessageReceived)]
    return {event.sent_at for event in events if event.content == Text(text)}


def _reads(text: str) -> Callable[[object], bool]:
    return lambda event: isinstance(event, MessageReceived) and event.content == Text(text)


async def _companion_reads(companion: NeonizeClient, text: str, *, times: int) -> None:
    def seen() -> int:
        return [arrivals.text_of(message) for message in arrivals.messages(companion)].count(text)

    await companion.wait_for("MessageEv", lambda _: seen() >= times, within=20)
