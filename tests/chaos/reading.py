"""What the contacts' phones have read, looked up as it comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.local.simulated_phones import SimulatedPhones

_LOOK_EVERY_SECONDS = 0.25


class Read(NamedTuple):
    """A text as one phone showed it, and when."""

    reader: str
    text: str
    at: float


class Reading:
    """The texts that were read so far, in the order in which each phone got them."""

    def __init__(self, phones: SimulatedPhones, contacts: Iterable[str]) -> None:
        self.reads: list[Read] = []
        self.dropped: list[str] = []
        """WhatsApp's ids of what a phone dropped without a word: its Signal counter had been used before."""
        self._phones = phones
        self._seen = dict.fromkeys(contacts, 0)

    async def run(self) -> None:
        """Look for as long as this runs."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_EVERY_SECONDS)

    async def look(self) -> None:
        """Take in what came since."""
        for reader, seen in self._seen.items():
            found = await self._phones.received(reader, since=seen)
            self._seen[reader] = seen + len(found)
            self.reads += [Read(reader, each["text"], each["received_at"]) for each in found if each["text"]]
            self.dropped += [each["id"] for each in found if each["duplicate_counter"]]
