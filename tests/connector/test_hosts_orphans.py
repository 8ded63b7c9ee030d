"""Device hosts whose supervisor is killed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from pathlib import Path

from tests.connector.keeping import FAKE, until


async def test_a_host_ends_when_its_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = await a_supervisor(tmp_path, FAKE)

    await killed_with_its_host(supervisor)


async def test_a_host_ends_with_its_supervisor_even_while_go_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        supervisor = await a_supervisor(tmp_path, (sys.executable,), HTTPS_PROXY=proxy, NO_PROXY="")

        await killed_with_its_host(supervisor)


SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from connector.hosts import DeviceHosts

async def main():
    folder, *launcher = sys.argv[1:]
    async with DeviceHosts(Path(folder), capacity=5, launcher=launcher) as hosts:
        await hosts.start(Path(folder) / "ada.db")
        await hosts._hosts[0].ready_or_gone.wait()
        await asyncio.sleep(0.5)  # for Go to dial
        print(hosts.pids()[0], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def a_supervisor(
    folder: Path, launcher: tuple[str, ...], **environment: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SUPERVISOR, str(folder), *launcher),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
    )


async def killed_with_its_host(supervisor: asyncio.subprocess.Process) -> None:
    assert supervisor.stdout is not None
    try:
        async with asyncio.timeout(30):
            host = int(await supervisor.stdout.readline())
    finally:
        supervisor.kill()
        await supervisor.communicate()
    killed_at = time.monotonic()
    await until(lambda: not lives(host))
    assert time.monotonic() - killed_at < 5


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that only waits for init to take note does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
