"""`roost up` when one of its programs is killed: it starts it again, and nothing is lost on the way.

What neonize has in hand at that moment may be (`make bench-inbound` counts it), so Bob writes after it.
What the embedded AWS queued within the second before its death may be too, so it dies when he was heard.
"""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from infra.local.gateway import GatewayError
from tests.system.conftest import eventually, link, spoken_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.local.gateway import Gateway
    from infra.local.simulated_phones import SimulatedPhones
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
            if program == "connector":
                await eventually(lambda: _online(phones), lambda devices: not devices)

            await phones.write(BOB, ADA, f"without {program}")
            await _accepted(gateway, f"after {program}")
            await eventually(lambda: _received(gateway), has(f"without {program}"), within=60)

        sent = await phones.texts(BOB, 2 * len(PROGRAMS), within=60)
        received = await _received(gateway)

    expected = [f"{moment} {program}" for program in PROGRAMS for moment in ("before", "after")]
    assert [each["text"] for each in sent] == expected
    assert sorted(received) == sorted(f"without {program}" for program in PROGRAMS)


def has(text: str) -> Callable[[list[str]], bool]:
    """Look for a text among others."""
    return lambda texts: text in texts


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


async def _online(phones: SimulatedPhones) -> list[Any]:
    return [device for phone in await phones.all() for device in phone["devices"] if device["online"]]


async def _received(gateway: Gateway) -> list[str]:
    messages = await gateway.messages("ada", limit=100)
    return [each["text"] for each in messages if each["direction"] == "inbound"]
