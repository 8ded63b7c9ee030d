"""The program of the process that NeonizeClient starts: one real neonize client, driven by lines of JSON.

Arguments: the descriptor of a socket, the database's file, the sandbox's issuer key in hex. In comes
`{"id", "method", "args", "kwargs"}`, out goes `{"id", "result"}` or `{"id", "error", "text"}`, and for all
that neonize reports `{"event", "at", "data"}`. The end of the input ends the process.
"""

from __future__ import annotations

import base64
import inspect
import json
import logging
import os
import socket
import sys
import threading
import time
import typing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from uuid import uuid4

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from neonize import events
from neonize.client import NewClient
from neonize.proto.Neonize_pb2 import JID
from neonize.utils.log import log as neonize_log

from infra.contract.jid import PN_SERVER, Jid
from infra.sandbox.client_kit import trust_issuer

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_WAL = "?_foreign_keys=on&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000&_x="
_FAREWELL_SECONDS = 2.0


class Child:
    """One neonize client and the socket to the test that drives it."""

    def __init__(self, driver: socket.socket, database: str) -> None:
        self._driver = driver
        self._writing = threading.Lock()
        self._client = NewClient(database + _WAL, uuid=uuid4().hex)
        self._connecting: threading.Thread | None = None
        self._report_everything()

    def serve(self) -> None:
        """Carry out calls, each in a thread of its own, until the input ends."""
        self._write({"event": "Ready", "at": time.time(), "data": {}})
        with self._driver.makefile("rb") as lines, ThreadPoolExecutor(max_workers=32) as pool:
            with suppress(ConnectionResetError):  # the driver went away with events still unread
                for line in lines:
                    pool.submit(self._answer, json.loads(line))
            self._say_goodbye()

    def _answer(self, call: Mapping[str, typing.Any]) -> None:
        try:
            result = self._carry_out(call["method"], call["args"], call["kwargs"])
        except Exception as error:  # noqa: BLE001 - the driver raises it again
            self._write({"id": call["id"], "error": type(error).__name__, "text": str(error)})
        else:
            self._write({"id": call["id"], "result": shown(result)})

    def _carry_out(self, name: str, args: list[object], kwargs: dict[str, object]) -> object:
        if name == "connect":
            self._connecting = threading.Thread(target=self._connect, daemon=True)
            self._connecting.start()
            return None
        method = getattr(self._client, name)
        if not callable(method):  # is_connected and is_logged_in are properties
            return typing.cast("object", method)
        bound = bind(method, args, kwargs)
        return typing.cast("object", method(*bound.args, **bound.kwargs))

    def _connect(self) -> None:
        error = None
        try:
            self._client.connect()
        except Exception as failure:  # noqa: BLE001 - reported, as everything that happens to the client
            error = str(failure)
        self._report("ConnectReturned", {"error": error})

    def _report_everything(self) -> None:
        self._client.event.qr(lambda _, text: self._report("Qr", {"text": text.decode()}))
        for name, kind in vars(events).items():
            if name.lower().endswith("ev") and kind in events.EVENT_TO_INT:
                self._client.event(kind)(self._reporter(name))

    def _reporter(self, name: str) -> Callable[[NewClient, Message], None]:
        return lambda _, message: self._report(name, shown(message))

    def _report(self, name: str, data: object) -> None:
        self._write({"event": name, "at": time.time(), "data": data})

    def _write(self, record: Mapping[str, object]) -> None:
        line = json.dumps(record).encode() + b"\n"
        with self._writing:
            self._driver.sendall(line)

    def _say_goodbye(self) -> None:
        if self._connecting is not None and self._connecting.is_alive():
            farewell = threading.Thread(target=self._client.stop, daemon=True)
            farewell.start()
            farewell.join(_FAREWELL_SECONDS)
        os._exit(0)  # neonize's threads would keep the process alive


def shown(value: object) -> object:
    """Turn a result of neonize into JSON; protobuf keeps its field names, bytes become base64."""
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True)
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if value is None or isinstance(value, str | int | float):
        return value
    return [shown(element) for element in typing.cast("typing.Iterable[object]", value)]


def bind(
    method: Callable[..., object], args: list[object], kwargs: dict[str, object]
) -> inspect.BoundArguments:
    """Bind JSON arguments, each turned into what the method's annotation asks for."""
    hints = typing.get_type_hints(method)
    bound = inspect.signature(method).bind(*args, **kwargs)
    for name, value in bound.arguments.items():
        bound.arguments[name] = read(hints.get(name), value)
    return bound


def read(kind: object, value: typing.Any) -> object:
    """Undo `shown`, and take a JID as text, an enum member by its name, a protobuf message as a dict."""
    if isinstance(value, list | tuple):
        return type(value)(read(kind, element) for element in value)
    for choice in typing.get_args(kind) or (kind,):
        if not inspect.isclass(choice):
            continue
        if issubclass(choice, JID) and isinstance(value, str):
            return neonize_jid(value)
        if issubclass(choice, Enum) and isinstance(value, str):
            return choice[value]
        if issubclass(choice, bytes) and isinstance(value, dict):
            return base64.b64decode(value["base64"])
        if issubclass(choice, Message) and isinstance(value, dict):
            return ParseDict(value, choice())
    return value


def neonize_jid(text: str) -> JID:
    """Give neonize's form of a JID, or of the digits of a phone number."""
    jid = Jid.parse(text if "@" in text else f"{text}@{PN_SERVER}")
    return JID(User=jid.user, Server=jid.server, Device=jid.device, RawAgent=0, Integrator=0, IsEmpty=False)


def main(descriptor: str, database: str, issuer_public_key: str) -> None:
    """Serve the driver on an inherited socket."""
    trust_issuer(bytes.fromhex(issuer_public_key))
    neonize_log.setLevel(logging.DEBUG)
    logging.getLogger("whatsmeow").setLevel(logging.DEBUG)
    Child(socket.socket(fileno=int(descriptor)), database).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
