"""What belongs to one session while it is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.auth_blob import AuthBlob
    from connector.events import Events
    from connector.ledger import Ledger
    from connector.receipts import Receipts
    from connector.reporter import Reporter
    from connector.sender import Sender
    from infra.contract.clock import Clock
    from infra.contract.ids import SessionId


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The parts of one session being served."""

    id: SessionId
    blob: AuthBlob
    ledger: Ledger
    receipts: Receipts
    sender: Sender
    reporter: Reporter
    events: Events
    clock: Clock
