"""`python -m infra.local.embedded_aws --fd N --dir DIR`: AWS on this machine, by MiniStack, its state in DIR.

The listening socket is inherited: whoever connects while this process starts again waits instead of failing.
What survives a kill -9: the table whole, stored objects whole, the queues as they were at most a second ago.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from importlib import import_module
from pathlib import Path  # noqa: TC003  typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
import uvicorn
import uvloop

from infra.local.table_file import ItemKey, TableFile, touched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[
        [str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[tuple[int, dict[str, str], bytes]]
    ]

_TARGET = "DynamoDB_20120810."
_QUEUES_SAVED_EVERY_SECONDS = 1.0
_DEFINES = frozenset({"CreateTable", "UpdateTable", "UpdateTimeToLive", "UpdateContinuousBackups"})
_OK = 200


def settings(folder: Path, port: int) -> dict[str, str]:
    """Give the environment that MiniStack must be imported in."""
    return {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "objects"),
        "LOG_LEVEL": "ERROR",
        # What this stack does not use: listeners of their own, and other people's containers.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
    }


class KeptTable:
    """Stands before MiniStack's DynamoDB and keeps what it accepted in a file, before it is answered."""

    def __init__(self, handler: Handler, file: TableFile) -> None:
        self._handler = handler
        self._file = file

    async def restore(self) -> None:
        """Make the tables and items again as the file has them."""
        for action, request in self._file.definitions():
            await self._ask(action, request)
        for table, item in self._file.items(time.time()):
            await self._ask("PutItem", msgspec.json.encode({"TableName": table, "Item": item}))

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a request as MiniStack does, and keep what it changed."""
        answer = await self._handler(method, path, headers, body, query)
        if answer[0] == _OK:
            await self._keep(headers.get("x-amz-target", "").removeprefix(_TARGET), body)
        return answer

    async def _keep(self, action: str, body: bytes) -> None:
        if action in _DEFINES:
            self._file.keep_definition(msgspec.json.decode(body)["TableName"], action, body)
        elif action == "DeleteTable":
            self._file.drop_table(msgspec.json.decode(body)["TableName"])
        elif changed := touched(action, msgspec.json.decode(body)):
            self._file.keep([(key, await self._read(key)) for key in changed])

    async def _read(self, key: ItemKey) -> dict[str, Any] | None:
        answer = await self._ask("GetItem", msgspec.json.encode(key.as_request()))
        item: dict[str, Any] | None = msgspec.json.decode(answer).get("Item")
        return item

    async def _ask(self, action: str, body: bytes) -> bytes:
        status, _, answer = await self._handler("POST", "/", {"x-amz-target": _TARGET + action}, body, {})
        if status != _OK:
            raise RuntimeError(
                f"the embedded table refused {action}: {answer.decode(errors='replace')[:300]}"
            )
        return answer


class EmbeddedAws:
    """MiniStack's application, with a table that is kept in a file and queues that are saved every second."""

    def __init__(self, folder: Path) -> None:
        """Import MiniStack, which reads its settings from the environment at that moment."""
        self._app = import_module("ministack.app").app
        dynamodb: Any = import_module("ministack.services.dynamodb")
        dynamodb.get_state = lambda: None  # nothing for MiniStack to save: the file has it
        self._file = TableFile(folder / "table.db")
        self._table = KeptTable(dynamodb.handle_request, self._file)
        dynamodb.handle_request = self._table.handle  # MiniStack's router looks it up here, at each request
        self._parts = {name: import_module(f"ministack.services.{name}").get_state for name in ("s3", "sqs")}
        self._save = import_module("ministack.core.persistence").save_all

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve ASGI."""
        await self._app(scope, receive, send)

    async def run(self, listening: socket.socket) -> None:
        """Serve until SIGTERM or SIGINT."""
        await self._table.restore()
        config = uvicorn.Config(
            self,
            log_level="critical",  # polls that still wait are cut off at the end
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        saving = asyncio.create_task(self._save_queues())
        await uvicorn.Server(config).serve(sockets=[listening])
        saving.cancel()
        self._file.close()

    async def _save_queues(self) -> None:
        while True:
            await asyncio.sleep(_QUEUES_SAVED_EVERY_SECONDS)
            self._save(self._parts)


def main(
    fd: Annotated[int, typer.Option(help="The listening socket, inherited.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where the state is kept.")],
) -> None:
    """Serve AWS until SIGTERM."""
    listening = socket.socket(fileno=fd)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(settings(folder, listening.getsockname()[1]))
    uvloop.run(EmbeddedAws(folder).run(listening))


if __name__ == "__main__":
    typer.run(main)
