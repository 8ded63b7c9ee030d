"""The minute that README promises a newcomer: an unchanged script on raw neonize, linked and answering."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.sandbox.conftest import ADA, BOB, Control

if TYPE_CHECKING:
    from infra.sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]


async def test_an_unchanged_script_links_and_answers(
    sandbox: Sandbox, control: Control, tmp_path: Path
) -> None:
    bot = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "infra.sandbox.client_kit", tmp_path / "sandbox", ROOT / "docs/echo_bot.py"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        async with asyncio.timeout(30):
            qr = await _line(bot, "https://wa.me/")
            await control.post(f"/phones/{ADA}/scan", code=qr)
            await _line(bot, "connected")

        await control.send(BOB, ADA, "hello")

        (answer,) = await control.received(BOB)
        assert answer["text"] == "echo: hello"
    finally:
        bot.kill()
        await bot.wait()


async def _line(bot: asyncio.subprocess.Process, start: str) -> str:
    """Give the next line that begins so."""
    assert bot.stdout is not None
    async for line in bot.stdout:
        if line.decode().startswith(start):
            return line.decode().strip()
    raise AssertionError(f"the bot ended without a line that begins with {start}")
