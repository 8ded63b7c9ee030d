"""The end of a run: waits until nothing is on its way any more, and takes down what is there then."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from infra.aws.messages import Messages
from infra.aws.sessions import Sessions
from infra.contract import keys
from infra.contract.ids import SessionId
from infra.contract.message import Inbound, Outbound, Text
from tests import processes
from tests.chaos.accounting import Seen
from tests.chaos.waiting import until_none_left

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from infra.contract.message import Message
    from tests.chaos.stage import Stage

_SETTLES_WITHIN_SECONDS = 60.0
_GONE_WITHIN_SECONDS = 10.0
_PAGE = 1000


class Identity(NamedTuple):
    """Who a session is at WhatsApp; a new QR would change it."""

    phone_number: str | None
    lid: str | None
    linked: bool
    device: str
    linked_at: int


async def identities(stage: Stage) -> dict[str, Identity]:
    """Give who each session is: by the table, and by WhatsApp's list of linked devices."""
    sessions = Sessions(stage.clients)
    phones = {phone["number"]: phone["devices"] for phone in await stage.phones.all()}
    found = {}
    for member in stage.cast.members:
        session = await asyncio.to_thread(sessions.get, SessionId(member.session), consistent=True)
        [device] = phones[member.number]
        found[member.session] = Identity(
            session.phone_number, session.lid, session.linked, device["jid"], device["linked_at"]
        )
    return found


def changes(before: Mapping[str, Identity], after: Mapping[str, Identity]) -> list[str]:
    """Tell of every session that is another now."""
    return [
        f"{session} was {was}, and is {after[session]}"
        for session, was in before.items()
        if after[session] != was
    ]


async def until_settled(stage: Stage) -> list[str]:
    """Wait until outboxes are empty and devices have confirmed their mail; tell what is not so in time."""
    return await until_none_left(partial(unsettled, stage), within=_SETTLES_WITHIN_SECONDS)


async def drained(stage: Stage) -> list[str]:
    """Stop the connectors, and wait until their events are consumed; tell what went wrong."""
    codes = await asyncio.gather(*(container.drain() for container in stage.containers if container.runs))
    told = [f"a connector ended with code {code}" for code in codes if code != 0]
    return told + await until_none_left(partial(unconsumed, stage), within=_SETTLES_WITHIN_SECONDS)


async def seen(stage: Stage) -> Seen:
    """Take down what became of every message."""
    statuses: dict[tuple[str, str], str] = {}
    stored: Counter[tuple[str, str]] = Counter()
    for member in stage.cast.members:
        for message in await asyncio.to_thread(_messages, stage, member.session):
            match message:
                case Outbound():
                    statuses[member.session, str(message.ref)] = message.status
                case Inbound(content=Text(text=text)):
                    stored[member.session, text] += 1
    return Seen(stage.traffic.posted, stage.traffic.written, stage.reading.reads, statuses, stored)


async def survivors(folder: Path) -> list[str]:
    """Wait until every device host is gone; tell of those that stay."""

    async def left() -> list[int]:
        return processes.that_name(folder)

    return [f"process {pid} is left" for pid in await until_none_left(left, within=_GONE_WITHIN_SECONDS)]


def _messages(stage: Stage, session: str) -> list[Message]:
    def pages() -> Iterator[Message]:
        page = stored.list(SessionId(session), limit=_PAGE)
        yield from page.items
        while page.cursor is not None:
            page = stored.list(SessionId(session), limit=_PAGE, cursor=page.cursor)
            yield from page.items

    stored = Messages(stage.clients)
    return list(pages())


async def unsettled(stage: Stage) -> list[str]:
    """Tell of sessions that are not connected, have a full outbox, or mail that their device must confirm."""
    sessions = Sessions(stage.clients)
    phones = {phone["number"]: phone["devices"] for phone in await stage.phones.all()}
    told = []
    for member in stage.cast.members:
        session = await asyncio.to_thread(sessions.get, SessionId(member.session), consistent=True)
        unconfirmed = sum(device["unconfirmed"] for device in phones[member.number])
        if session.backlog or unconfirmed or session.status != "connected":
            told.append(
                f"{member.session} is {session.status} with a backlog of {session.backlog}, "
                f"{unconfirmed} stanzas unconfirmed"
            )
    return told


async def unconsumed(stage: Stage) -> list[str]:
    """Tell of events that the consumer has not carried out yet."""
    sqs, queue = stage.clients.sqs, keys.events_queue(stage.clients.settings.stack)
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    told = await asyncio.to_thread(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    waiting = told["Attributes"]["ApproximateNumberOfMessages"]
    taken = told["Attributes"]["ApproximateNumberOfMessagesNotVisible"]
    return [] if waiting == taken == "0" else [f"on the events queue {waiting} wait, {taken} are taken"]
