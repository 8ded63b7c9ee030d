"""Serves the control API in the sandbox's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

import uvicorn

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from types import TracebackType

    from litestar import Litestar

_IDLE_CONNECTIONS_STAY_SECONDS = 75
"""Longer than clients keep idle connections (5 s in httpx): else one is closed just when it is used again."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process: it has more to stop than this."""
        yield


class ControlServer:
    """An async context manager: inside it, the API answers on the given socket."""

    def __init__(self, app: Litestar, listening: socket.socket) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_keep_alive=_IDLE_CONNECTIONS_STAY_SECONDS,
            timeout_graceful_shutdown=2,
        )
        self._server = _Server(config)
        self._socket = listening

    async def __aenter__(self) -> Self:
        """Return when the API answers."""
        self._serving = asyncio.create_task(self._server.serve([self._socket]))
        while not self._server.started:
            if self._serving.done():
                await self._serving
            await asyncio.sleep(0.005)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer what was asked, then stop."""
        self._server.should_exit = True
        await self._serving
