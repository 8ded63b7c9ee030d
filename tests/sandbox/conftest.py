"""A running sandbox, its control API, and real clients linked to it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infra.sandbox.server import Sandbox
from tests.sandbox.neonize_client import NeonizeClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from infra.sandbox.address import SandboxAddress

ADA = "14155550100"
BOB = "14155550101"
CYD = "14155550102"


class Control:
    """The control API as a test speaks to it: a refused request is a failed test."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def get(self, path: str, **query: object) -> Any:
        """Give the JSON of an answer."""
        return self._good(await self.http.get(path, params=query)).json()  # type: ignore[arg-type]

    async def post(self, path: str, **body: object) -> Any:
        """Post JSON, and give the JSON of the answer if it has any."""
        answer = self._good(await self.http.post(path, json=body))
        return answer.json() if answer.content else None

    async def patch(self, path: str, **body: object) -> None:
        """Change a part of something."""
        self._good(await self.http.patch(path, json=body))

    async def fault(self, kind: str, number: str | None = ADA, **more: object) -> None:
        """Order a fault."""
        await self.post("/faults", kind=kind, **({} if number is None else {"number": number}), **more)

    async def send(self, number: str, to: str, text: str) -> str:
        """Send a text from a phone, and give its id."""
        sent = await self.post(f"/phones/{number}/messages", to=to, text=text)
        return str(sent["id"])

    async def received(
        self,
        number: str,
        count: int = 1,
        *,
        where: Callable[[dict[str, Any]], bool] = lambda _message: True,
        within: float = 10.0,
    ) -> list[dict[str, Any]]:
        """Wait until a phone has received so many messages of this sort; give all of them."""
        return await self._until(f"/phones/{number}/messages", count, where, within)

    async def noticed(
        self,
        number: str,
        count: int = 1,
        *,
        where: Callable[[dict[str, Any]], bool] = lambda _event: True,
        within: float = 10.0,
    ) -> list[dict[str, Any]]:
        """Wait until a phone has noticed so many other things of this sort; give all of them."""
        return await self._until(f"/phones/{number}/events", count, where, within)

    async def settled(self, number: str = ADA, *, within: float = 10.0) -> None:
        """Wait until the devices of a phone have confirmed all that they were sent.

        What a client did not confirm before it ended, it is sent again.
        """
        async with asyncio.timeout(within):
            while True:
                if not any(
                    device["unconfirmed"] for device in (await self.get(f"/phones/{number}"))["devices"]
                ):
                    return
                await asyncio.sleep(0.02)

    async def stats_when(
        self, condition: Callable[[dict[str, Any]], bool], *, within: float = 30.0
    ) -> dict[str, Any]:
        """Wait until the counters are like this; give them."""
        async with asyncio.timeout(within):
            while True:
                stats: dict[str, Any] = await self.get("/stats")
                if condition(stats):
                    return stats
                await asyncio.sleep(0.02)

    async def _until(
        self, path: str, count: int, where: Callable[[dict[str, Any]], bool], within: float
    ) -> list[dict[str, Any]]:
        all_of_them: list[dict[str, Any]] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    all_of_them = await self.get(path)
                    found = [item for item in all_of_them if where(item)]
                    if len(found) >= count:
                        return found
                    await asyncio.sleep(0.02)
        raise AssertionError(f"{path}: not {count} of the awaited within {within} s, but {all_of_them}")

    @staticmethod
    def _good(answer: httpx.Response) -> httpx.Response:
        assert answer.is_success, f"{answer.request.method} {answer.request.url.path}: {answer.text}"
        return answer


@contextlib.asynccontextmanager
async def control_of(address: SandboxAddress) -> AsyncIterator[Control]:
    """Speak to the control API at an address."""
    async with httpx.AsyncClient(base_url=address.control, trust_env=False, timeout=30) as http:
        yield Control(http)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    """A new sandbox with three phones: Ada's, Bob's and Cyd's."""
    async with Sandbox(tmp_path / "sandbox") as running:
        for number, name in ((ADA, "Ada"), (BOB, "Bob"), (CYD, "Cyd")):
            running.phones.buy(number, name)
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[Control]:
    """The control API of the sandbox."""
    async with control_of(sandbox.address) as speaking:
        yield speaking


@pytest.fixture
def new_client(
    sandbox: Sandbox, tmp_path: Path
) -> Callable[[str], AbstractAsyncContextManager[NeonizeClient]]:
    """Start a client on the database of this name; its device is whatever the database says."""

    def start(name: str = "ada") -> NeonizeClient:
        return NeonizeClient(sandbox.address, tmp_path / f"{name}.db")

    return start


async def link(client: NeonizeClient, control: Control, number: str = ADA) -> None:
    """Link a client by its QR, and wait until it is connected."""
    await client.connect()
    qr = await client.wait_for("Qr")
    await control.post(f"/phones/{number}/scan", code=qr["text"])
    await client.wait_for("ConnectedEv")
    await client.wait_for("HistorySyncEv")


@pytest.fixture
async def ada(
    new_client: Callable[..., AbstractAsyncContextManager[NeonizeClient]], control: Control
) -> AsyncIterator[NeonizeClient]:
    """A client that is linked to Ada's phone."""
    async with new_client("ada") as client:
        await link(client, control)
        yield client
