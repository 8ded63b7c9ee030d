"""What belongs to one session while it is served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from connector.auth_blob import AuthBlob
from connector.intake import Intake
from connector.ledger import Ledger
from connector.pacing import Pace
from connector.receipts import Receipts
from connector.reporter import Reporter
from connector.sender import Sender
from connector.strangers import Strangers

if TYPE_CHECKING:
    from connector.events import Events
    from connector.parts import Parts
    from infra.contract.clock import Clock
    from infra.contract.ids import SessionId
    from infra.contract.session import Session


@dataclass(frozen=True, kw_only=True)
class Serving:
    """The parts of one session being served."""

    id: SessionId
    blob: AuthBlob
    ledger: Ledger
    intake: Intake
    strangers: Strangers
    receipts: Receipts
    sender: Sender
    reporter: Reporter
    events: Events
    clock: Clock

    @classmethod
    def of(cls, session: Session, parts: Parts, *, fence: int) -> Self:
        """Make the parts for a session as it was read, under the fence that it is held by."""
        clock, settings, receipts = parts.clock, parts.settings, Receipts()
        ledger = Ledger(session, parts.outbox, parts.sessions, fence=fence, clock=clock)
        blob = AuthBlob(session, parts.blobs, ledger, settings.devices_folder, fence=fence, clock=clock)
        now = clock.monotonic()
        strangers = Strangers(
            session,
            parts.chats,
            pace=Pace(settings.new_chats_per_minute, now, burst=1),
            lasts=settings.restriction_lasts,
            clock=clock,
        )
        intake = Intake(
            session,
            parts.outbox,
            ledger,
            strangers=strangers,
            pace=Pace(settings.messages_per_minute, now),
            ahead=settings.send_ahead,
            clock=clock,
        )
        sender = Sender(intake, ledger, receipts, database=blob.database, clock=clock)
        return cls(
            id=session.id,
            blob=blob,
            ledger=ledger,
            intake=intake,
            strangers=strangers,
            receipts=receipts,
            sender=sender,
            reporter=Reporter(session, parts.sessions, fence=fence),
            events=parts.events,
            clock=clock,
        )
