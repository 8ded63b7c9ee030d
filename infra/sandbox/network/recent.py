"""Which message ids a linked device sent lately: whatsmeow repeats a send whose acknowledgement it missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from infra.sandbox.storage import Storage

REMEMBERED = 512


class Sent(msgspec.Struct):
    """The last ids of one device, oldest first."""

    ids: dict[str, None] = {}


class RecentIds:
    """The last ids of every device; kept in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._sent = storage.load("sent-ids", Sent)

    def is_new(self, device_key: str, message_id: str) -> bool:
        """Remember the id, and say whether this device sent it for the first time."""
        sent = self._sent.setdefault(device_key, Sent())
        if message_id in sent.ids:
            return False
        sent.ids[message_id] = None
        if len(sent.ids) > REMEMBERED:
            del sent.ids[next(iter(sent.ids))]
        self._storage.put("sent-ids", device_key, sent)
        return True

    def forget(self, device_key: str) -> None:
        """Drop what is known of an unlinked device."""
        if self._sent.pop(device_key, None) is not None:
            self._storage.delete("sent-ids", device_key)
