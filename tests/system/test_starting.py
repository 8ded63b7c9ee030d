"""What `roost up` says when it cannot start, and how it runs where WhatsApp cannot be reached."""

from __future__ import annotations

import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.system.conftest import ROOST, StackProcess, eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)


def refused(*arguments: str) -> str:
    """Run a command that cannot work, and give its one line."""
    run = subprocess.run([*ROOST, *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 1
    [line] = run.stderr.splitlines()
    return line


def test_a_second_up_on_the_same_folder_is_refused_in_one_line(stack: StackProcess) -> None:
    line = refused("up", "--data", str(stack.folder.path), "--port", "0")

    assert "is in use by process" in line


def test_a_taken_port_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        line = refused("up", "--data", str(tmp_path), "--port", port)

    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in line


def test_a_folder_without_write_access_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    line = refused("up", "--data", str(tmp_path / "file"), "--port", "0")

    assert "cannot write to" in line


def test_a_command_without_a_gateway_says_so_in_one_line(tmp_path: Path) -> None:
    line = refused(
        "send",
        "ada",
        "+14155550101",
        "hi",
        "--data",
        str(tmp_path),
        "--key",
        "roost_x",
        "--url",
        "http://127.0.0.1:9",
    )

    assert "is `roost up` running?" in line


async def test_without_a_way_to_whatsapp_it_starts_and_the_session_says_why(tmp_path: Path) -> None:
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    stack = StackProcess(tmp_path / "data", environment=nowhere)
    try:
        stack.start()
        async with stack.gateway() as gateway:
            await gateway.create_session("ada")
            session = await eventually(
                lambda: gateway.session("ada"), lambda seen: seen["status"] == "disconnected"
            )
    finally:
        stack.end()

    assert session["last_disconnect"]["reason"] == "cannot_reach_whatsapp"
    assert session["reconnect_attempts"] >= 1
