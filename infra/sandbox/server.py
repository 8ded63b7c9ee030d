"""The composition root: one sandbox, from its folder to its listening sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

import msgspec

from infra.sandbox.address import ADDRESS_FILE, SandboxAddress
from infra.sandbox.certificates import server_identity
from infra.sandbox.control.api import control_app
from infra.sandbox.control.serving import ControlServer
from infra.sandbox.issuer import NoiseIssuer
from infra.sandbox.media_faults import FaultyMedia
from infra.sandbox.media_store import MediaStore
from infra.sandbox.network.connection import Connection
from infra.sandbox.network.entrance import admit
from infra.sandbox.network.faults import FaultKind
from infra.sandbox.network.network import Network
from infra.sandbox.phones.phones import Phones
from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.storage import Storage
from infra.sandbox.transport.proxy import Proxy
from infra.sandbox.wire.noise import ServerHandshake

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from infra.sandbox.transport.websocket import Channel

LOOPBACK = "127.0.0.1"


class Identity(msgspec.Struct):
    """What makes this sandbox itself, so that clients find and trust it again after its restart."""

    issuer: KeyPair
    proxy_port: int = 0
    control_port: int = 0


class Sandbox:
    """An async context manager: inside it, clients can connect. Everything it knows stays in its folder."""

    def __init__(self, folder: Path, *, port: int = 0, control_port: int = 0) -> None:
        self._folder = folder
        self._port = port
        self._control_port = control_port

    async def __aenter__(self) -> Self:
        """Open the folder and listen; raises StorageError and OSError."""
        self._stack = contextlib.AsyncExitStack()
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection and keep the state."""
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        now = datetime.now(UTC)
        storage = stack.enter_context(Storage(self._folder / "sandbox.db"))
        stack.push_async_callback(_cancelled, asyncio.create_task(storage.run()))
        tls = server_identity(self._folder, now)
        identity = storage.load("identity", Identity).get("own") or Identity(KeyPair.generate())
        self.network = Network(storage)
        media_store = MediaStore(self._folder / "media")
        self.phones = Phones(self.network, media_store)
        stack.callback(self.phones.flush_receipts)

        proxy_socket = stack.enter_context(_listen(self._port, identity.proxy_port))
        control_socket = stack.enter_context(_listen(self._control_port, identity.control_port))
        app = control_app(self.phones, self.network)
        await stack.enter_async_context(ControlServer(app, control_socket))
        proxy = Proxy(
            proxy_socket,
            ssl_context=tls.ssl_context,
            on_open=self._connections(NoiseIssuer(identity.issuer), now),
            media=FaultyMedia(media_store, self.network.faults),
            accepting=lambda: self.network.faults.use(None, FaultKind.OFFLINE) is None,
        )
        await proxy.start()
        stack.push_async_callback(proxy.stop)

        identity.proxy_port = proxy_socket.getsockname()[1]
        identity.control_port = control_socket.getsockname()[1]
        storage.put("identity", "own", identity)
        self.address = SandboxAddress(
            proxy=f"http://{LOOPBACK}:{identity.proxy_port}",
            ca_file=str(tls.ca_file.resolve()),
            issuer_public_key=identity.issuer.public,
            control=f"http://{LOOPBACK}:{identity.control_port}",
        )
        await storage.flush()  # so that whoever reads the address finds this very sandbox, even after a crash
        self.address.write(self._folder)
        stack.callback((self._folder / ADDRESS_FILE).unlink, missing_ok=True)

    def _connections(self, issuer: NoiseIssuer, now: datetime) -> Callable[[Channel], Connection]:
        static = KeyPair.generate()
        chain = issuer.certify(static.public, now=now)
        entrance = partial(admit, self.network)
        return lambda channel: Connection(
            channel, ServerHandshake(static, chain), entrance, self.network.stats
        )


def _listen(wanted: int, last: int) -> socket.socket:
    """Listen on the wanted port; when any will do, on the one used last if it is free."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((LOOPBACK, wanted or last))
    except OSError as error:
        if wanted:
            listening.close()
            raise OSError(error.errno, f"port {wanted}: {os.strerror(error.errno or 0)}") from error
        listening.bind((LOOPBACK, 0))
    listening.listen(1024)
    listening.setblocking(False)  # noqa: FBT003 - the name of the call says it
    return listening


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
