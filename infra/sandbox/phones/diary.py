"""All that happened to a phone: messages received and sent, and what else it noticed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, assert_never

from infra.sandbox.phones.records import Noticed, Received, Sent

if TYPE_CHECKING:
    from infra.sandbox.storage import Storage

SENT_REMEMBERED = 1000
"""How many sent messages a phone can encrypt again."""


class Diary:
    """One phone's memory, in order."""

    def __init__(self, storage: Storage, phone: str) -> None:
        self._storage = storage
        self._phone = phone
        self.received: list[Received] = []
        self.noticed: list[Noticed] = []
        self._by_id: defaultdict[str, list[Received]] = defaultdict(list)
        self._sent: dict[str, Sent] = {}

    @classmethod
    def load_all(cls, storage: Storage) -> defaultdict[str, Diary]:
        """Give the diaries of all phones, by number; a new phone's is empty."""
        diaries: defaultdict[str, Diary] = _Diaries(storage)
        for key, received in storage.load("received", Received).items():
            diaries[_phone(key)].remember(received)
        for key, noticed in storage.load("noticed", Noticed).items():
            diaries[_phone(key)].remember(noticed)
        for key, sent in sorted(storage.load("sent", Sent).items(), key=lambda item: item[1].sent_at):
            diaries[_phone(key)].remember(sent)
        return diaries

    def remember(self, entry: Received | Noticed | Sent) -> None:
        """Take an entry back from the storage; entries must come in order."""
        match entry:
            case Received():
                self.received.append(entry)
                self._by_id[entry.id].append(entry)
            case Noticed():
                self.noticed.append(entry)
            case Sent():
                self._sent[entry.id] = entry
            case _:
                assert_never(entry)

    def add_received(self, received: Received) -> None:
        """Write down a message; its number is given here."""
        received.number = len(self.received) + 1
        self.remember(received)
        self.changed(received)

    def changed(self, received: Received) -> None:
        """Have a message that became complete kept."""
        self._storage.put("received", self._key(received.number), received)

    def add_noticed(self, event: str, kind: str, sender: str, ids: list[str] | None = None) -> None:
        """Write down anything else."""
        noticed = Noticed(len(self.noticed) + 1, event, kind, sender, ids or [])
        self.remember(noticed)
        self._storage.put("noticed", self._key(noticed.number), noticed)

    def add_sent(self, sent: Sent) -> None:
        """Write down a message of one's own; the oldest is forgotten in its place."""
        self.remember(sent)
        self._storage.put("sent", f"{self._phone}/{sent.id}", sent)
        if len(self._sent) > SENT_REMEMBERED:
            oldest = next(iter(self._sent))
            del self._sent[oldest]
            self._storage.delete("sent", f"{self._phone}/{oldest}")

    def find_received(self, message_id: str) -> Received | None:
        """Give a message that could be read, by its id, or None."""
        readable = (r for r in self._by_id.get(message_id, ()) if r.content is not None)
        return next(readable, None)

    def find_sent(self, message_id: str) -> Sent | None:
        """Give a message of one's own, or None when it is forgotten or never was."""
        return self._sent.get(message_id)

    def sent(self) -> list[Sent]:
        """Give the messages of one's own that are remembered, oldest first."""
        return list(self._sent.values())

    def failures(self, message_id: str) -> int:
        """Count how often this message came and could not be decrypted."""
        return sum(received.problem is not None for received in self._by_id.get(message_id, ()))

    def _key(self, number: int) -> str:
        return f"{self._phone}/{number:012d}"


class _Diaries(defaultdict[str, Diary]):
    def __init__(self, storage: Storage) -> None:
        super().__init__()
        self._storage = storage

    def __missing__(self, phone: str) -> Diary:
        diary = self[phone] = Diary(self._storage, phone)
        return diary


def _phone(key: str) -> str:
    return key.partition("/")[0]
