"""The sandbox's phones, as the demonstration, the benchmark and the tests of the whole stack use them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import httpx

if TYPE_CHECKING:
    from types import TracebackType

_LOOK_EVERY_SECONDS = 0.05


class PhonesError(Exception):
    """The sandbox refused something, or what was awaited did not come."""


class SimulatedPhones:
    """An async context manager around the sandbox's control API. Every verb raises PhonesError."""

    def __init__(self, control_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=control_url, timeout=30, trust_env=False)

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

    async def buy(self, number: str, name: str) -> None:
        """Make a phone."""
        await self._ask("POST", "/phones", {"number": number, "name": name})

    async def scan(self, number: str, code: str) -> None:
        """Let a phone scan a QR's text."""
        await self._ask("POST", f"/phones/{number}/scan", {"code": code})

    async def enter_code(self, number: str, code: str) -> None:
        """Let a phone's owner type a pairing code."""
        await self._ask("POST", f"/phones/{number}/enter-code", {"code": code})

    async def unlink(self, number: str) -> None:
        """Let a phone's owner log out every linked device."""
        await self._ask("POST", f"/phones/{number}/unlink", {})

    async def write(self, number: str, to: str, text: str) -> str:
        """Let a phone's owner send a text; gives its id."""
        sent = await self._ask("POST", f"/phones/{number}/messages", {"to": to, "text": text})
        return str(sent["id"])

    async def read(self, number: str, message_id: str) -> None:
        """Let a phone's owner look at a message."""
        await self._ask("POST", f"/phones/{number}/read", {"id": message_id})

    async def received(self, number: str, *, since: int = 0) -> list[dict[str, Any]]:
        """Give what a phone received, in order, after the message of this number."""
        found: list[dict[str, Any]] = await self._ask("GET", f"/phones/{number}/messages?since={since}")
        return found

    async def all(self) -> list[dict[str, Any]]:
        """Give every phone with its linked devices."""
        found: list[dict[str, Any]] = await self._ask("GET", "/phones")
        return found

    async def found_group(self, owner: str, subject: str, members: list[str]) -> str:
        """Let a phone's owner found a group; gives the id that messages go to."""
        body = {"owner": owner, "subject": subject, "members": members}
        return str((await self._ask("POST", "/groups", body))["id"])

    async def go_wrong(self, kind: str) -> None:
        """Let something go wrong for everybody, once."""
        await self._ask("POST", "/faults", {"kind": kind})

    async def texts(self, number: str, count: int, *, within: float = 30.0) -> list[dict[str, Any]]:
        """Wait until a phone has received so many texts from others, and give them in order."""
        try:
            async with asyncio.timeout(within):
                while True:
                    texts = await self._texts_from_others(number)
                    if len(texts) >= count:
                        return texts
                    await asyncio.sleep(_LOOK_EVERY_SECONDS)
        except TimeoutError:
            raise PhonesError(f"{number} did not receive {count} texts within {within:.0f} s") from None

    async def _texts_from_others(self, number: str) -> list[dict[str, Any]]:
        return [each for each in await self.received(number) if each["text"] and not each["from_me"]]

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise PhonesError(f"the sandbox does not answer: {error}") from error
        if not answer.is_success:
            raise PhonesError(f"the sandbox refused {method} {path}: {answer.text}")
        return answer.json() if answer.content else None
