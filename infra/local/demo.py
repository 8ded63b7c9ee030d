"""`roost demo`: a link, a conversation and a restart with simulated phones, told on the terminal.

Everything is what `roost up` runs; only WhatsApp's servers and the phones are the sandbox's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from infra.local.folder import DataFolder
from infra.local.gateway import Gateway
from infra.local.linking import drawn, until_connected
from infra.local.log_lines import LogLines
from infra.local.programs import ProgramEndedError
from infra.local.simulated_phones import SimulatedPhones
from infra.local.stack_programs import Options
from infra.local.supervisor import Supervisor, stopped_by_signals
from infra.local.up import running_stack
from infra.sandbox.address import SandboxAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from rich.console import Console

T = TypeVar("T")

_SESSION = "demo"
_ADA, _BOB = "14155550100", "14155550101"
_MANY = 100
_LOOK_EVERY_SECONDS = 0.05
_OPTIONS = Options(port=0, sandbox=True)


class DemoError(Exception):
    """The demonstration did not go as it should; the message says where."""


async def run_demo(console: Console) -> None:
    """Run it in a temporary folder; raises DemoError and what starting raises."""
    with tempfile.TemporaryDirectory(prefix="roost-demo-") as path:
        demo = Demo(console, Path(path))
        with stopped_by_signals(demo.kill):
            await demo.run()


class Demo:
    """One demonstration."""

    def __init__(self, console: Console, path: Path) -> None:
        self._console = console
        self._folder = DataFolder(path / "data")
        self._log = path / "log"
        self._supervisor: Supervisor | None = None

    def kill(self) -> None:
        """End everything at once."""
        if self._supervisor is not None:
            self._supervisor.kill()

    async def run(self) -> None:
        """Tell the whole story."""
        self._title()
        async with self._stack("The stack starts: AWS, API, connector, simulated phones") as (
            gateway,
            phones,
        ):
            await self._link(gateway, phones)
            await self._talk(gateway, phones)
            await self._send_many(gateway, phones)
        async with self._stack("Everything was stopped, and starts again") as (gateway, phones):
            await self._come_back(gateway, phones)
        self._farewell()

    @contextlib.asynccontextmanager
    async def _stack(self, what: str) -> AsyncIterator[tuple[Gateway, SimulatedPhones]]:
        with self._log.open("a") as log:
            self._supervisor = Supervisor(LogLines(log))
            try:
                async with contextlib.AsyncExitStack() as stack:
                    with self._step(what):
                        url = await stack.enter_async_context(
                            running_stack(self._supervisor, self._folder, _OPTIONS)
                        )
                    control = SandboxAddress.read(self._folder.path).control
                    phones = await stack.enter_async_context(SimulatedPhones(control))
                    gateway = await stack.enter_async_context(Gateway.find(url, None, self._folder))
                    yield gateway, phones
            except ProgramEndedError as error:
                raise DemoError(f"{error}. The end of the log:\n{_tail(self._log)}") from error

    async def _link(self, gateway: Gateway, phones: SimulatedPhones) -> None:
        await phones.buy(_ADA, "Ada")
        await phones.buy(_BOB, "Bob")
        with self._step(f"A session is created: POST /v1/sessions {{'id': '{_SESSION}'}}"):
            await gateway.create_session(_SESSION)
            code = await gateway.qr(_SESSION, wait=20)
        self._console.print(Padding(drawn(code), (1, 4)))
        with self._step("Ada's phone scans this QR: GET /v1/sessions/demo/qr") as step:
            await phones.scan(_ADA, code)
            session = await until_connected(gateway, _SESSION)
            step.append(f": connected as +{session['phone_number']}", "bold")

    async def _talk(self, gateway: Gateway, phones: SimulatedPhones) -> None:
        self._console.print()
        text = "Hi Bob! This was sent by an HTTP request."
        with self._step("Ada writes to Bob: POST /v1/sessions/demo/messages"):
            message = await gateway.send(_SESSION, f"+{_BOB}", text, wait=20)
            [received] = await phones.texts(_BOB, 1)
            await phones.read(_BOB, received["id"])
        with self._step("Bob's phone decrypts it, shows it, and says so"):
            await _until(
                lambda: gateway.message(_SESSION, message["id"]),
                lambda seen: bool(seen["status"] == "read"),
                "the message was not read",
            )
        self._say("Ada", received["text"], "read", right=True)
        answer = "Hello Ada, it arrived. Your turn, gateway!"
        with self._step("Bob answers from his phone: GET /v1/sessions/demo/messages has it"):
            await phones.write(_BOB, _ADA, answer)
            [received] = await _until(
                lambda: _inbound(gateway), lambda seen: len(seen) == 1, "Bob's answer did not come"
            )
        self._say("Bob", received["text"], "stored", right=False)

    async def _send_many(self, gateway: Gateway, phones: SimulatedPhones) -> None:
        texts = [f"Number {number}" for number in range(1, _MANY + 1)]
        began = time.monotonic()
        with self._step(f"{_MANY} messages, one after the other") as step:
            for text in texts:
                await gateway.send(_SESSION, _BOB, text, idempotency_key=text.replace(" ", "-"))
            received = [each["text"] for each in await phones.texts(_BOB, _MANY + 1)]
            if received[1:] != texts:
                raise DemoError("the messages arrived in another order, or not once each")
            rate = _MANY / (time.monotonic() - began)
            step.append(f": in order, each once, {rate:.0f} a second", "bold")

    async def _come_back(self, gateway: Gateway, phones: SimulatedPhones) -> None:
        with self._step("The session connects by itself, without a QR") as step:
            session = await until_connected(gateway, _SESSION)
            step.append(f": connected as +{session['phone_number']}", "bold")
        with self._step("Ada writes once more, and Bob can still decrypt it"):
            await gateway.send(_SESSION, _BOB, "Still here after a restart.", wait=20)
            [*_, last] = await phones.texts(_BOB, _MANY + 2)
        self._say("Ada", last["text"], "delivered", right=True)

    def _title(self) -> None:
        what = Text("Roost in a minute", style="bold")
        how = Text("All of it is real but WhatsApp and the phones: those are simulated, on this machine.")
        self._console.print(Panel(Group(what, how), border_style="green", expand=False))

    def _farewell(self) -> None:
        self._console.print()
        roost = "roost" if shutil.which("roost") else os.path.relpath(sys.argv[0])
        lines = (
            f"[bold]{roost} up[/bold]                     runs it with WhatsApp; --sandbox with this",
            f"[bold]{roost} link NAME[/bold]              draws a QR for your phone",
            f"[bold]{roost} send NAME NUMBER TEXT[/bold]  sends",
        )
        self._console.print(Panel("\n".join(lines), title="Now yours", border_style="green", expand=False))

    def _say(self, who: str, text: str, status: str, *, right: bool) -> None:
        bubble = Panel(
            Text(text),
            title=who,
            subtitle=status,
            title_align="left",
            subtitle_align="right",
            border_style="green" if right else "cyan",
            expand=False,
        )
        self._console.print(Padding(bubble, (0, 0, 0, 16 if right else 4)))

    @contextlib.contextmanager
    def _step(self, what: str) -> Iterator[Text]:
        """Show that something is being done, then that it is done and how long it took."""
        began = time.monotonic()
        result = Text()
        with self._console.status(what, spinner="dots"):
            yield result
        took = Text(f"  {time.monotonic() - began:.1f} s", style="dim")
        self._console.print(Text("✓ ", style="green"), what, result, took, sep="")


async def _inbound(gateway: Gateway) -> list[dict[str, Any]]:
    return [each for each in await gateway.messages(_SESSION) if each["direction"] == "inbound"]


async def _until(
    look: Callable[[], Awaitable[T]], so: Callable[[T], bool], what: str, *, within: float = 30.0
) -> T:
    """Look until it is so, and give what was seen; raises DemoError."""
    deadline = time.monotonic() + within
    while not so(seen := await look()):
        if time.monotonic() > deadline:
            raise DemoError(f"{what} within {within:.0f} s")
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
    return seen


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text().splitlines()[-lines:])
