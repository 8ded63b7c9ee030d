"""The API as a test speaks to it, and the connector that a test plays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from control_plane.app import create_app
from control_plane.parts import Parts
from control_plane.waiting import Patience
from infra.aws.api_keys import ApiKeys
from infra.aws.calls import Calls
from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.aws.queues import Queues
from infra.aws.sessions import Sessions
from infra.contract.ids import SessionId
from infra.contract.session import LinkOffer, Report, SessionStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from control_plane.settings import Settings
    from infra.aws.clients import Clients
    from infra.contract.calls import Answer
    from infra.contract.queues import Nudge

SUPPORT = SessionId("support")
NUMBER = "14155550100"
FENCE = 1


class SettableClock:
    """A clock that goes when it is told."""

    def __init__(self) -> None:
        self._at = datetime(2026, 1, 1, 12, tzinfo=UTC)
        self._seconds = 0.0

    def now(self) -> datetime:
        """Give the time of day."""
        return self._at

    def monotonic(self) -> float:
        """Give seconds."""
        return self._seconds

    def go_on(self, seconds: float) -> None:
        """Let time pass."""
        self._at += timedelta(seconds=seconds)
        self._seconds += seconds


class Gateway:
    """The API with its admin key at hand. While it waits, its clock goes on and `meanwhile` happens, once."""

    def __init__(self, clients: Clients, admin_secret: str, *, settings: Settings | None = None) -> None:
        self.clients = clients
        self.clock = SettableClock()
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] | None = None
        parts = Parts.on(
            clients, settings=settings, clock=self.clock, patience=Patience(self.clock, self._sleep)
        )
        self.app = create_app(parts)
        self.http = self.caller(admin_secret)
        self.sessions = Sessions(clients)
        self.messages = Messages(clients)
        self.outbox = Outbox(clients)
        self.calls = Calls(clients)
        self.api_keys = ApiKeys(clients)
        self.queues = Queues(clients)

    def caller(self, secret: str | None) -> httpx.AsyncClient:
        """Give a client that speaks with this key, or with none."""
        app: Any = self.app  # httpx's notion of ASGI is wider than Litestar's
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://roost.test",
            headers={} if secret is None else {"Authorization": f"Bearer {secret}"},
        )

    async def key(self, *scopes: str, **more: object) -> str:
        """Make a key, and give its secret."""
        body = {"name": "test", "scopes": list(scopes), **more}
        answer = await self.http.post("/v1/api-keys", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["secret"])

    async def create(self, session_id: str = SUPPORT, **more: object) -> dict[str, Any]:
        """Create a session."""
        answer = await self.http.post("/v1/sessions", json={"id": session_id, **more})
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    async def linked(self, session_id: str = SUPPORT) -> None:
        """Create a session that is linked and connected."""
        await self.create(session_id)
        self.report(SessionStatus.CONNECTING, session_id, linked=True, phone_number=NUMBER, link_offer=None)
        self.report(SessionStatus.CONNECTED, session_id, push_name="Ada")

    def report(self, status: SessionStatus, session_id: str = SUPPORT, **more: Any) -> None:
        """Report as the session's connector does."""
        report = Report(status=status, **more)
        assert self.sessions.report(SessionId(session_id), report, fence=FENCE) is not None

    def offer(self, code: str, *, seconds: float = 20) -> None:
        """Show a QR as the session's connector does."""
        expires_at = self.clock.now() + timedelta(seconds=seconds)
        self.report(SessionStatus.AWAITING_LINK, link_offer=LinkOffer(code, expires_at))

    def answer(self, answer: Answer) -> None:
        """Answer every open call as the session's connector does."""
        for call in self.calls.open_for(SUPPORT, now=self.clock.now()):
            self.calls.answer(SUPPORT, call.id, answer, fence=FENCE)

    def nudges(self) -> list[Nudge]:
        """Take all nudges off the queues."""
        taken: list[Nudge] = []
        for shard in range(self.clients.settings.shards):
            received = self.queues.receive_nudges(shard, wait=timedelta())
            taken += [each.message for each in received]
            self.queues.delete_nudges(shard, [each.handle for each in received])
        return taken

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.go_on(seconds)
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            happening()
