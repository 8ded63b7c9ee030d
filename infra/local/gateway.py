"""The gateway's API as the commands speak to it; whatever goes wrong is one line for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from types import TracebackType

    from infra.local.folder import DataFolder

DEFAULT_URL = "http://127.0.0.1:8080"
_LONGEST_WAIT_SECONDS = 25


class GatewayError(Exception):
    """The gateway did not do it; the message says why. `code` is the problem's, if it answered with one."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class Gateway:
    """An async context manager: inside it, the API can be asked. Every verb raises GatewayError."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {secret}"},
            timeout=_LONGEST_WAIT_SECONDS + 10,
            trust_env=False,
        )

    @classmethod
    def find(cls, url: str | None, secret: str | None, folder: DataFolder) -> Self:
        """Take what was given, and look the rest up in the folder of a stack on this machine."""
        secret = secret or folder.find_admin_secret()
        if secret is None:
            raise GatewayError(f"no API key: give --key or ROOST_KEY, or --data (no key in {folder.path})")
        return cls(url or folder.find_url() or DEFAULT_URL, secret)

    async def __aenter__(self) -> Self:
        """Open the connection when it is needed."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self._http.aclose()

    async def sessions(self) -> list[dict[str, Any]]:
        """Give all sessions."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._ask("GET", "/v1/sessions", params={"cursor": cursor} if cursor else {})
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    async def create_session(self, session_id: str) -> dict[str, Any]:
        """Create and start a session."""
        session: dict[str, Any] = await self._ask("POST", "/v1/sessions", json={"id": session_id})
        return session

    async def session(self, session_id: str) -> dict[str, Any]:
        """Give a session."""
        session: dict[str, Any] = await self._ask("GET", f"/v1/sessions/{session_id}")
        return session

    async def order(self, session_id: str, verb: str) -> None:
        """Start, stop or logout a session."""
        await self._ask("POST", f"/v1/sessions/{session_id}/{verb}")

    async def qr(self, session_id: str, *, wait: int = 0) -> str:
        """Give the text of the QR that a session shows now."""
        shown = await self._ask("GET", f"/v1/sessions/{session_id}/qr", wait=wait)
        return str(shown["code"])

    async def pairing_code(self, session_id: str, phone_number: str) -> str:
        """Give a code to type into the phone of this number."""
        body = {"phone_number": phone_number}
        shown = await self._ask("POST", f"/v1/sessions/{session_id}/pairing-code", json=body, wait=20)
        return str(shown["code"])

    async def send(
        self, session_id: str, to: str, text: str, *, wait: int = 0, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Send a text, and give the message as it was accepted, or as it is after the wait."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        path = f"/v1/sessions/{session_id}/messages"
        body = {"to": to, "text": text}
        message: dict[str, Any] = await self._ask("POST", path, json=body, headers=headers, wait=wait)
        return message

    async def message(self, session_id: str, message_id: str) -> dict[str, Any]:
        """Give a message."""
        message: dict[str, Any] = await self._ask("GET", f"/v1/sessions/{session_id}/messages/{message_id}")
        return message

    async def messages(self, session_id: str, **query: str | int) -> list[dict[str, Any]]:
        """Give a page of messages, newest first."""
        page = await self._ask("GET", f"/v1/sessions/{session_id}/messages", params=query)
        items: list[dict[str, Any]] = page["items"]
        return items

    async def connectors(self) -> list[dict[str, Any]]:
        """Give the connectors."""
        items: list[dict[str, Any]] = (await self._ask("GET", "/v1/connectors"))["items"]
        return items

    async def create_key(self, name: str, scopes: list[str], sessions: list[str] | None) -> dict[str, Any]:
        """Create an API key, whose secret is in the answer and is never shown again."""
        body = {"name": name, "scopes": scopes, **({"sessions": sessions} if sessions else {})}
        key: dict[str, Any] = await self._ask("POST", "/v1/api-keys", json=body)
        return key

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        wait: int = 0,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Any:
        preference = {"Prefer": f"wait={min(wait, _LONGEST_WAIT_SECONDS)}"} if wait else {}
        try:
            answer = await self._http.request(method, path, headers={**preference, **(headers or {})}, **more)
        except httpx.InvalidURL as error:
            raise GatewayError(f"{self.url} is no URL: {error}") from error
        except httpx.HTTPError as error:
            raise GatewayError(f"no answer from {self.url}: is `roost up` running?") from error
        if not answer.is_success:
            raise _error(answer)
        return answer.json() if answer.content else None


def _error(answer: httpx.Response) -> GatewayError:
    if "json" not in answer.headers.get("content-type", ""):
        return GatewayError(f"{answer.url} answered {answer.status_code}: is this the gateway?")
    problem = answer.json()
    told = [str(problem[part]) for part in ("title", "field", "detail") if problem.get(part)]
    return GatewayError(": ".join(told) or f"refused ({answer.status_code})", code=problem.get("code"))
