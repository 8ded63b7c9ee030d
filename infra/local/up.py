"""`roost up`: the whole stack on one machine, in a folder, under one supervisor."""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING

from infra.local.folder import CannotStartError
from infra.local.log_lines import LogLines
from infra.local.stack_programs import LOOPBACK, Options, StackPrograms
from infra.local.supervisor import Supervisor, stopped_by_signals
from infra.sandbox.address import SandboxAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from infra.local.folder import DataFolder


async def run_until_stopped(folder: DataFolder, options: Options) -> None:
    """Run the stack until Ctrl-C or SIGTERM; raises CannotStartError, ProgramEndedError."""
    supervisor = Supervisor(LogLines())
    with stopped_by_signals(supervisor.kill):
        async with running_stack(supervisor, folder, options) as url:
            for line in _welcome(folder, options, url):
                supervisor.lines.write("roost", line)
            await supervisor.run()
    supervisor.lines.write("roost", "stopped")


@contextlib.asynccontextmanager
async def running_stack(supervisor: Supervisor, folder: DataFolder, options: Options) -> AsyncIterator[str]:
    """Run the stack: gives the API's URL once all of it works; raises CannotStartError, ProgramEndedError.

    The sockets are opened here and inherited: what is taken is said at once, and clients wait while a program
    starts again.
    """
    with folder.opened() as lock, _listen(options.host, options.port) as api, _listen(LOOPBACK, 0) as aws:
        programs = StackPrograms(folder, options, api=api, aws=aws)
        async with supervisor:
            await _start(supervisor, folder, programs, with_sandbox=options.sandbox, lock=lock)
            folder.tell_url(programs.url)
            yield programs.url


async def _start(
    supervisor: Supervisor, folder: DataFolder, programs: StackPrograms, *, with_sandbox: bool, lock: int
) -> None:
    """Start everything, what others need before those who need it; the end is in the opposite order."""
    await supervisor.start([programs.aws(lock), *([programs.sandbox()] if with_sandbox else [])])
    if with_sandbox:
        SandboxAddress.read(folder.sandbox).write(folder.path)
    await supervisor.start([programs.preparation()])
    await supervisor.start([programs.api(), programs.events()])
    await supervisor.start(programs.connectors())


def _welcome(folder: DataFolder, options: Options, url: str) -> list[str]:
    lines = [
        f"ready      {url}, described at {url}/api-docs",
        f"admin key  {folder.admin_key_place}",
        f"state      {folder.path}; Ctrl-C stops everything and keeps it",
    ]
    if options.sandbox:
        control = SandboxAddress.read(folder.path).control
        lines.append(f"sandbox    no WhatsApp: simulated phones, by {control}/schema")
    return lines


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        why = os.strerror(error.errno) if isinstance(error.errno, int) and error.errno > 0 else str(error)
        raise CannotStartError(
            f"cannot listen on {host}:{port} ({why}): choose another with --host and --port"
        ) from error
