"""A test's hold on the real neonize: it runs in a child process, as an application would run it."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from infra.sandbox.client_kit import environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.address import SandboxAddress

_PROGRAM = Path(__file__).with_name("neonize_child.py")
_ROOT = Path(__file__).parents[2]
_LINE_LIMIT = 64 << 20
_GRACE_SECONDS = 6.0
_CALL_SECONDS = 90.0  # whatsmeow itself waits 75 s for an answer
_SHOWN_LOG_LINES = 40


class NeonizeError(Exception):
    """A call raised inside neonize; `kind` is the name of neonize's exception, the text is its text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


class EventMissingError(AssertionError):
    """The awaited event did not come; the text tells which did."""


class ChildDiedError(Exception):
    """The process of the client has ended."""


class NeonizeClient:
    """One neonize client on one database. Leaving the context ends its process, whatever its state.

    `events` holds everything it reported, in order: `{"event": "MessageEv", "at": unix time, "data": {…}}`.
    The names are those of `neonize.events`, besides `Ready`, `Qr` (`text`) and `ConnectReturned` (`error`).
    Protobuf messages are dicts with the fields' own names; 64-bit numbers are strings, bytes are base64.
    """

    def __init__(self, address: SandboxAddress, database: Path) -> None:
        self.events: list[dict[str, Any]] = []
        self.log_file = database.with_suffix(".log")
        self._address = address
        self._database = database
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Start the process, and return when neonize is loaded there."""
        ours, childs = socket.socketpair()
        with childs, self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(_PROGRAM)),
                *(str(childs.fileno()), str(self._database), self._address.issuer_public_key.hex()),
                stdout=log,
                stderr=log,
                pass_fds=[childs.fileno()],
                env=environment(self._address, os.environ) | {"PYTHONPATH": str(_ROOT)},
            )
        reader, self._writer = await asyncio.open_unix_connection(sock=ours, limit=_LINE_LIMIT)
        self._reading = asyncio.create_task(self._read(reader))
        self._reading.add_done_callback(self._ended)
        try:
            await self.wait_for("Ready", within=30)
        except BaseException:
            await self.kill()
            await self._end()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let neonize stop and the process exit, or kill it; pytest shows its log on failure."""
        await self._end()
        sys.stderr.write(f"--- {self.log_file.name}\n{self._log_tail()}\n")

    async def _end(self) -> None:
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            await self.kill()
        await self._reading

    async def kill(self) -> None:
        """End the process at once, as a crash would."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    def mark(self) -> int:
        """Give the place after the last event so far, for `wait_for(…, since=mark)`."""
        return len(self.events)

    async def wait_for(
        self,
        name: str,
        predicate: Callable[[dict[str, Any]], bool] = lambda _data: True,
        *,
        since: int = 0,
        within: float = 10.0,
    ) -> dict[str, Any]:
        """Give the data of the first event of this name that the predicate accepts, past or to come.

        Raises EventMissingError after `within` seconds, and ChildDiedError.
        """
        try:
            async with asyncio.timeout(within):
                while (data := self._find(name, predicate, since)) is None:
                    await self._more()
                return data
        except TimeoutError:
            came = "\n".join(json.dumps(event)[:300] for event in self.events[since:]) or "nothing"
            raise EventMissingError(
                f"no such {name} within {within} s; these came:\n{came}\n{self._log_tail()}"
            ) from None

    async def call(self, method: str, *args: object, **kwargs: object) -> Any:
        """Call a method of neonize's NewClient, or read a property.

        JIDs are given as text, enum members by name, messages as dicts, bytes as `{"base64": …}`; results
        come in the same forms. Raises NeonizeError, ChildDiedError, and TimeoutError after 90 seconds.
        """
        call_id = next(self._ids)
        answer = self._answers[call_id] = asyncio.get_running_loop().create_future()
        if self._reading.done():
            raise self._death()
        call = {"id": call_id, "method": method, "args": args, "kwargs": kwargs}
        self._writer.write(json.dumps(call).encode() + b"\n")
        async with asyncio.timeout(_CALL_SECONDS):
            return await answer

    async def connect(self) -> None:
        """Start connecting; what comes of it are events: a linked database logs in, another shows QRs."""
        await self.call("connect")

    async def pair_phone(self, digits: str) -> str:
        """Ask for the pairing code of a phone number, after the first `Qr` event came."""
        return str(await self.call("PairPhone", digits, show_push_notification=True))

    async def send_text(self, to: str, text: str) -> str:
        """Send a text to a JID or to a phone number's digits; gives the message's id."""
        return str((await self.call("send_message", to, text))["ID"])

    async def send_image(self, to: str, image: bytes, caption: str) -> str:
        """Upload and send an image; gives the message's id."""
        file = {"base64": base64.b64encode(image).decode()}
        return str((await self.call("send_image", to, file, caption=caption))["ID"])

    def _find(
        self, name: str, predicate: Callable[[dict[str, Any]], bool], since: int
    ) -> dict[str, Any] | None:
        for event in self.events[since:]:
            if event["event"] == name and predicate(event["data"]):
                return dict(event["data"])
        return None

    async def _more(self) -> None:
        if self._reading.done():
            raise self._death()
        self._news.clear()
        await self._news.wait()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            async for line in reader:
                self._take(json.loads(line))

    def _ended(self, _reading: asyncio.Task[None]) -> None:
        self._news.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._death())

    def _take(self, record: dict[str, Any]) -> None:
        if "event" in record:
            self.events.append(record)
            self._news.set()
            return
        answer = self._answers.pop(record["id"])
        if answer.done():
            return
        if "error" in record:
            answer.set_exception(NeonizeError(record["error"], record["text"]))
        else:
            answer.set_result(record["result"])

    def _death(self) -> ChildDiedError:
        return ChildDiedError(f"the client's process has ended\n{self._log_tail()}")

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-_SHOWN_LOG_LINES:])
