"""The program of a process that the benchmark starts: neonize clients that send as fast as they can.

Arguments: the descriptor of a socket, a folder for the databases, the sandbox's issuer key in hex, and the
clients' names. First each is linked, in turn: `{"client", "qr"}`, then `{"client", "linked": true}` go out.
Then every `{"to", "texts"}` that comes in has each client send so many texts, all at once, and is answered
by `{"began", "ended", "sends"}`: two moments and the duration of each send, in seconds.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from neonize.client import NewClient
from neonize.events import ConnectedEv
from neonize.proto.Neonize_pb2 import JID
from neonize.utils.log import log as neonize_log

from infra.contract.jid import PN_SERVER
from infra.sandbox.client_kit import trust_issuer

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAL = "?_foreign_keys=on&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000&_x="
_LINKING_SECONDS = 60.0


class Senders:
    """The clients of this process."""

    def __init__(self, benchmark: socket.socket, folder: Path) -> None:
        self._benchmark = benchmark
        self._folder = folder
        self._clients: dict[str, NewClient] = {}
        self._rounds = 0

    def link(self, name: str) -> None:
        """Start one client, and return when it is linked and has logged in."""
        client = self._clients[name] = NewClient(str(self._folder / f"{name}.db") + _WAL, uuid=uuid4().hex)
        connected = threading.Event()
        client.event.qr(lambda _, text: self._say({"client": name, "qr": text.decode()}))
        client.event(ConnectedEv)(lambda _client, _event: connected.set())
        threading.Thread(target=client.connect, daemon=True).start()
        if not connected.wait(_LINKING_SECONDS):
            raise TimeoutError(f"{name} was not linked")
        self._say({"client": name, "linked": True})

    def serve(self) -> None:
        """Send what is asked for, until the benchmark hangs up."""
        with self._benchmark.makefile("rb") as orders, ThreadPoolExecutor(len(self._clients)) as pool:
            for line in orders:
                self._rounds += 1
                began = time.monotonic()
                sends = pool.map(partial(self._send, **json.loads(line)), self._clients)
                report = {"sends": list(chain.from_iterable(sends)), "began": began}
                self._say(report | {"ended": time.monotonic()})

    def _send(self, name: str, to: str, texts: int) -> list[float]:
        client = self._clients[name]
        receiver = JID(User=to, Server=PN_SERVER, RawAgent=0, Device=0, Integrator=0, IsEmpty=False)
        seconds = []
        for number in range(texts):
            began = time.perf_counter()
            client.send_message(receiver, f"{name} {self._rounds} {number}")
            seconds.append(time.perf_counter() - began)
        return seconds

    def _say(self, report: Mapping[str, object]) -> None:
        self._benchmark.sendall(json.dumps(report).encode() + b"\n")


def main(descriptor: str, folder: str, issuer_public_key: str, *names: str) -> None:
    """Link the clients and serve the benchmark on an inherited socket."""
    trust_issuer(bytes.fromhex(issuer_public_key))
    neonize_log.setLevel(logging.ERROR)
    senders = Senders(socket.socket(fileno=int(descriptor)), Path(folder))
    for name in names:
        senders.link(name)
    senders.serve()
    os._exit(0)  # neonize's threads would keep the process alive


if __name__ == "__main__":
    main(*sys.argv[1:])
