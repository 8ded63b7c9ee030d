"""What a session shows to be linked by: its QR, or a pairing code; and the wait until it shows one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from control_plane.problems import Code, ProblemError
from control_plane.sessions.refusals import cannot_link, must_start_first, no_such_session
from infra.contract.calls import PairingCodeShown, PairingCodeWanted
from infra.contract.session import LinkOffer, Session, SessionStatus

if TYPE_CHECKING:
    from control_plane.asking import Asking
    from control_plane.waiting import Patience
    from infra.aws.sessions import Sessions
    from infra.contract.clock import Clock
    from infra.contract.ids import SessionId


class Linking:
    """The offers of sessions to be linked."""

    def __init__(self, sessions: Sessions, asking: Asking, clock: Clock, patience: Patience) -> None:
        self._sessions = sessions
        self._asking = asking
        self._clock = clock
        self._patience = patience

    async def offer(self, session_id: SessionId, *, within: timedelta) -> LinkOffer:
        """Give the QR that the session shows; raises ProblemError if it shows none within this time."""
        session = await self._settled(session_id, within)
        offer = self._fresh(session)
        if offer is None:
            raise cannot_link(session)
        return offer

    async def pairing_code(
        self, session_id: SessionId, phone_number: str, *, within: timedelta
    ) -> PairingCodeShown:
        """Have a code made for this number (digits); raises ProblemError if none comes in time."""
        began = self._clock.monotonic()
        session = await self._settled(session_id, within)
        if self._fresh(session) is None:
            raise cannot_link(session)
        left = within - timedelta(seconds=self._clock.monotonic() - began)
        answer = await self._asking.ask(session, PairingCodeWanted(phone_number), within=left)
        if not isinstance(answer, PairingCodeShown):
            raise ProblemError(Code.CONNECTOR_SILENT, "the session's connector gave no code")
        return answer

    async def _settled(self, session_id: SessionId, within: timedelta) -> Session:
        def read() -> Session:
            session = self._sessions.find(session_id, consistent=True)
            if session is None:
                raise no_such_session(session_id)
            return session

        return await self._patience.until(self._is_settled, read, within=within)

    def _is_settled(self, session: Session) -> bool:
        stuck = session.linked or must_start_first(session) is not None
        return stuck or self._fresh(session) is not None

    def _fresh(self, session: Session) -> LinkOffer | None:
        offer = session.link_offer
        if session.status is not SessionStatus.AWAITING_LINK or offer is None:
            return None
        return offer if self._clock.now() < offer.expires_at else None
