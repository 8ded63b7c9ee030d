"""Answers the calls of the API to one session: pairing codes and logouts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from connector.patience import persistently
from connector.verdicts import LOGGED_OUT_BY_CUSTOMER
from infra.contract.calls import Done, LogoutWanted, PairingCodeShown, PairingCodeWanted, Refused
from infra.contract.session import SessionStatus

if TYPE_CHECKING:
    from connector.listener import Listener
    from connector.reporter import Reporter
    from infra.aws.calls import Calls
    from infra.contract.calls import Answer, Call
    from infra.contract.clock import Clock
    from infra.contract.ids import SessionId

_CODE_LASTS = timedelta(seconds=160)
"""whatsmeow shows QRs for so long, and the code is good while it does."""

NOT_READY = Refused("session_not_ready")
LINKED = Refused("session_linked")
REFUSED = Refused("whatsapp_refused")
STOPPED = Refused("session_stopped")


class Answers:
    """One session's answers."""

    def __init__(self, session_id: SessionId, calls: Calls, *, fence: int, clock: Clock) -> None:
        self._id = session_id
        self._calls = calls
        self._fence = fence
        self._clock = clock
        self._when_logged_out: list[Call] = []

    async def give(self, listener: Listener | None, reporter: Reporter) -> None:
        """Answer every open call; a logout only when it is done with all that belongs to it."""
        for call in await self._open():
            if isinstance(call.question, LogoutWanted):
                await self._log_out(call, listener, reporter)
            elif isinstance(call.question, PairingCodeWanted):
                await self._answer(call, await self._code(call.question, listener, reporter))
            else:
                assert_never(call.question)

    async def refuse(self, refusal: Refused) -> None:
        """Refuse every open call."""
        for call in await self._open():
            await self._answer(call, refusal)

    async def logged_out(self) -> None:
        """Say to those who wanted a logout that all is done."""
        for call in self._when_logged_out:
            await self._answer(call, Done())
        self._when_logged_out.clear()

    async def _code(
        self, wanted: PairingCodeWanted, listener: Listener | None, reporter: Reporter
    ) -> PairingCodeShown | Refused:
        if reporter.linked:
            return LINKED
        if listener is None or reporter.status is not SessionStatus.AWAITING_LINK:
            return NOT_READY
        asked_at = self._clock.now()
        code = await listener.pairing_code(wanted.phone_number)
        return REFUSED if code is None else PairingCodeShown(code, asked_at + _CODE_LASTS)

    async def _log_out(self, call: Call, listener: Listener | None, reporter: Reporter) -> None:
        if listener is None or reporter.status is not SessionStatus.CONNECTED:
            await self._answer(call, NOT_READY)
        elif await listener.logout():
            self._when_logged_out.append(call)
            listener.end(LOGGED_OUT_BY_CUSTOMER)
        else:
            await self._answer(call, REFUSED)

    async def _open(self) -> list[Call]:
        """Give the calls that nobody works on yet."""
        found = await persistently(self._calls.open_for, self._id, now=self._clock.now())
        return [call for call in found if call not in self._when_logged_out]

    async def _answer(self, call: Call, answer: Answer) -> None:
        await persistently(self._calls.answer, self._id, call.id, answer, fence=self._fence)
