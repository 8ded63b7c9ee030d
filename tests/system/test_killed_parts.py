"""`roost up` when one of its programs is killed: it starts it again, and nothing is lost on the way."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from infra.local.gateway import GatewayError
from tests.system.conftest import eventually, link, spoken_to

if TYPE_CHECKING:
    from infra.local.gateway import Gateway
    from tests.system.conftest import StackProcess

ADA, BOB = "14155550100", "14155550101"
PROGRAMS = ("infra.local.api", "infra.local.events", "infra.local.embedded_aws", "connector")
pytestmark = pytest.mark.timeout(300)


async def test_every_program_may_be_killed_and_nothing_is_lost(own_stack: StackProcess) -> None:
    async with spoken_to(own_stack) as (gateway, phones):
        await phones.buy(BOB, "Bob")
        await link(gateway, phones, "ada", ADA)
        for program in PROGRAMS:
            await gateway.send("ada", BOB, f"before {program}")

            os.kill(own_stack.pid_of(program), signal.SIGKILL)

            await phones.write(BOB, ADA, f"without {program}")
            await _accepted(gateway, f"after {program}")

        sent = await phones.texts(BOB, 2 * len(PROGRAMS), within=60)
        received = await eventually(
            lambda: _received(gateway), lambda texts: len(texts) == len(PROGRAMS), within=60
        )

    expected = [f"{moment} {program}" for program in PROGRAMS for moment in ("before", "after")]
    assert [each["text"] for each in sent] == expected
    assert sorted(received) == sorted(f"without {program}" for program in PROGRAMS)


async def _accepted(gateway: Gateway, text: str) -> dict[str, Any]:
    """Send as a customer does: again with the same Idempotency-Key, for as long as nothing answers."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await gateway.send("ada", BOB, text, idempotency_key=text.replace(" ", ":"))
            except GatewayError as error:
                if error.code not in {None, "storage_unreachable"}:
                    raise
                await asyncio.sleep(0.2)


async def _received(gateway: Gateway) -> list[str]:
    messages = await gateway.messages("ada", limit=100)
    return [each["text"] for each in messages if each["direction"] == "inbound"]
