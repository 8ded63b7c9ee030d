"""Delivery receipts: one by one while it is quiet, bundled in a burst, as real phones send them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.contract.jid import Jid

BUNDLE_SECONDS = 0.05
"""How long receipts for the same sender in the same chat are gathered after one was sent."""

_Sender = tuple["Jid", "Jid | None"]


class Delivered:
    """The delivery receipts of one phone."""

    def __init__(self, send: Callable[[Node], None]) -> None:
        self._send = send
        self._gathered: dict[_Sender, list[str]] = {}

    def confirm(self, message_id: str, *, chat: Jid, participant: Jid | None) -> None:
        """Tell who wrote a message in a chat that it arrived: at once, or with the next bundle."""
        sender = (chat, participant)
        if (gathered := self._gathered.get(sender)) is not None:
            gathered.append(message_id)
        else:
            self._tell(sender, [message_id])
            self._gather(sender)

    def flush(self) -> None:
        """Send what was gathered."""
        for sender, message_ids in self._gathered.items():
            if message_ids:
                self._tell(sender, message_ids)
                self._gathered[sender] = []

    def _gather(self, sender: _Sender) -> None:
        self._gathered[sender] = []
        asyncio.get_running_loop().call_later(BUNDLE_SECONDS, self._bundle, sender)

    def _bundle(self, sender: _Sender) -> None:
        if message_ids := self._gathered.pop(sender):
            self._tell(sender, message_ids)
            self._gather(sender)

    def _tell(self, sender: _Sender, message_ids: list[str]) -> None:
        chat, participant = sender
        first, *others = message_ids
        attrs: Attributes = {"id": first, "to": chat}
        if participant is not None:
            attrs["participant"] = participant
        listed = [Node("item", {"id": message_id}) for message_id in others]
        self._send(Node("receipt", attrs, [Node("list", {}, listed)] if listed else None))
