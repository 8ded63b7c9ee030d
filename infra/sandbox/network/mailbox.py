"""What a linked device has been sent and has not confirmed yet; delivered again at its next login."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

import msgspec

from infra.sandbox.wire.binary_xml import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.sandbox.storage import Storage
    from infra.sandbox.wire.node import Node


class Letter(msgspec.Struct):
    """One stanza on its way: encoded, with what its confirmation will name."""

    device_key: str
    number: int
    confirmation: str
    tag: str
    stanza: bytes

    @property
    def key(self) -> str:
        """The record's key in the storage; sorts in order of sending."""
        return f"{self.device_key}/{self.number:012d}"


def _expected_confirmation(stanza: Node) -> str:
    """Say what the client's answer to a stanza will name (whatsmeow, receipt.go: sendAck)."""
    kind = "" if stanza.tag == "message" else stanza.attrs.get("type", "")
    return _confirmation_key(stanza.tag, stanza, str(stanza.attrs.get("from", "")), str(kind))


def _given_confirmation(answer: Node) -> str:
    """Say which stanza an `<ack>`, or the `<receipt>` for a message, confirms."""
    of = answer.text("class") if answer.tag == "ack" else "message"
    kind = "" if of == "message" else answer.attrs.get("type", "")
    return _confirmation_key(of, answer, str(answer.attrs.get("to", "")), str(kind))


def _confirmation_key(tag: str, stanza: Node, other: str, kind: str) -> str:
    return f"{tag} {stanza.attrs.get('id')} {other} {stanza.attrs.get('participant', '')} {kind}"


class Mailbox:
    """One device's unconfirmed stanzas, in order."""

    def __init__(self, storage: Storage, device_key: str) -> None:
        self._storage = storage
        self._device_key = device_key
        self._next_number = 1
        self._letters: dict[int, Letter] = {}
        self._awaited: defaultdict[str, deque[int]] = defaultdict(deque)

    def __len__(self) -> int:
        """Count the unconfirmed stanzas."""
        return len(self._letters)

    def __iter__(self) -> Iterator[Letter]:
        """Give the unconfirmed stanzas, oldest first."""
        return iter(list(self._letters.values()))

    def restore(self, letter: Letter) -> None:
        """Take back a letter from the storage; letters must come in order."""
        self._next_number = letter.number + 1
        self._letters[letter.number] = letter
        self._awaited[letter.confirmation].append(letter.number)

    def put(self, stanza: Node) -> Letter:
        """Keep a stanza until the device confirms it."""
        letter = Letter(
            self._device_key, self._next_number, _expected_confirmation(stanza), stanza.tag, encode(stanza)
        )
        self.restore(letter)
        self._storage.put("letter", letter.key, letter)
        return letter

    def settle(self, answer: Node) -> None:
        """Drop the oldest stanza that this answer confirms; an answer to nothing is ignored."""
        confirmation = _given_confirmation(answer)
        numbers = self._awaited.get(confirmation)
        if not numbers:
            return
        letter = self._letters.pop(numbers.popleft())
        if not numbers:
            del self._awaited[confirmation]
        self._storage.delete("letter", letter.key)

    def burn(self) -> None:
        """Drop everything: the device is unlinked."""
        for letter in self._letters.values():
            self._storage.delete("letter", letter.key)
        self._letters.clear()
        self._awaited.clear()
