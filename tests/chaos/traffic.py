"""Steady traffic both ways: numbered texts from every session to its chats, and from the contacts back."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING, NamedTuple

from infra.local.gateway import GatewayError

if TYPE_CHECKING:
    import random

    from infra.local.gateway import Gateway
    from infra.local.simulated_phones import SimulatedPhones
    from tests.chaos.cast import Cast, Chat, Member

_AGAIN_SECONDS = 0.5
_AWAY = {None, "internal_error", "storage_busy", "storage_unreachable"}
"""What the API may answer while it, or what it stands on, is away."""


class Posted(NamedTuple):
    """A text that the gateway accepted from a session's customer."""

    session: str
    number: int
    text: str
    id: str
    readers: frozenset[str]
    at: float


class Written(NamedTuple):
    """A text that a contact wrote to a session."""

    session: str
    text: str
    at: float


class Traffic:
    """An owner of the talking tasks. Who posts tries again, with the same Idempotency-Key, until accepted."""

    def __init__(
        self,
        gateway: Gateway,
        phones: SimulatedPhones,
        cast: Cast,
        *,
        every: float,
        luck: random.Random,
    ) -> None:
        self.posted: list[Posted] = []
        self.written: list[Written] = []
        self.refused: set[str] = set()
        """What the API said that it should never say here, such as that a session has failed."""
        self._gateway = gateway
        self._phones = phones
        self._cast = cast
        self._every = every
        self._luck = luck
        self._hurry = {member.session: asyncio.Event() for member in cast.members}
        self._over = False

    async def run(self) -> None:
        """Talk until told to finish."""
        async with asyncio.TaskGroup() as group:
            for member in self._cast.members:
                group.create_task(self._post(member))
                group.create_task(self._write(member))

    def hurry(self) -> None:
        """Let every session post a text at once."""
        for event in self._hurry.values():
            event.set()

    def finish(self) -> None:
        """Let `run` return when what is being posted is accepted."""
        self._over = True
        self.hurry()

    async def _post(self, member: Member) -> None:
        for number, chat in enumerate(itertools.cycle(member.chats), 1):
            await self._pause(member)
            if self._over:
                return
            text = f"{member.session} posts {number}"
            message_id = await self._accepted(member, chat, text)
            if message_id is not None:
                posted = Posted(member.session, number, text, message_id, chat.readers, time.time())
                self.posted.append(posted)

    async def _accepted(self, member: Member, chat: Chat, text: str) -> str | None:
        """Post until it is accepted; None if the gateway still refuses it when all is over."""
        while True:
            try:
                message = await self._gateway.send(
                    member.session, chat.to, text, idempotency_key=text.replace(" ", "-")
                )
            except GatewayError as error:
                if error.code not in _AWAY:
                    self.refused.add(f"{member.session} was refused a text: {error}")
                    if self._over:
                        return None
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                return str(message["id"])

    async def _write(self, member: Member) -> None:
        for number, chat in enumerate(itertools.cycle(member.chats), 1):
            await asyncio.sleep(self._every * self._luck.uniform(0.5, 1.5))
            if self._over:
                return
            writer = min(chat.readers)
            to = member.number if chat.to == writer else chat.to
            text = f"{writer} writes {number} to {member.session}"
            self.written.append(Written(member.session, text, time.time()))
            await self._phones.write(writer, to, text)

    async def _pause(self, member: Member) -> None:
        hurry = self._hurry[member.session]
        try:
            await asyncio.wait_for(hurry.wait(), self._every * self._luck.uniform(0.5, 1.5))
        except TimeoutError:
            return
        hurry.clear()
