"""What the sandbox counts, for `GET /stats` and for tests."""

from __future__ import annotations

import msgspec


class Stats(msgspec.Struct):
    """Totals since this process started; `connections` is how many are open now."""

    connections: int = 0
    connections_total: int = 0
    handshakes_failed: int = 0
    malformed: int = 0
    """Connections ended because what came over them was no valid frame or stanza."""
    messages_in: int = 0
    """Messages that linked devices sent, each counted once."""
    messages_repeated: int = 0
    """Messages sent again with an id that the server had already taken; acknowledged, not delivered."""
    messages_out: int = 0
    """Messages handed to linked devices, redeliveries included."""
    received_by_phones: int = 0
    undecryptable: int = 0
    """Messages that a phone could not decrypt."""
    duplicate_counters: int = 0
    """Messages that a phone dropped because their Signal counter had been used before."""
    receipts_lost: int = 0
    """Receipts of linked devices that a fault kept from the server."""
    retry_receipts_in: int = 0
    """Requests by linked devices to have a message encrypted again."""
    retry_receipts_out: int = 0
    """The same, by phones."""
