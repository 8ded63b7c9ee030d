"""`roost api`, `roost connector` and `roost sandbox`: each run alone, on a stack that somebody else made."""

from __future__ import annotations

import contextlib
import shlex
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infra.aws.clients import AwsSettings
from infra.local.gateway import Gateway, GatewayError
from infra.local.simulated_phones import SimulatedPhones
from infra.sandbox.address import AddressError, SandboxAddress
from tests.aws.embedded import embedded_aws, environment_of
from tests.system.conftest import ROOST, eventually, link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ADA, BOB = "14155550100", "14155550101"
SECRET = "roost_the-first-key-of-a-stack-made-by-hand"  # noqa: S105  it opens nothing

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What names a stack that was made for this test, and an admin key in it."""
    (tmp_path / "aws").mkdir()
    with embedded_aws(tmp_path / "aws") as url:
        named = environment_of(AwsSettings(stack="byhand", endpoint_url=url))
        subprocess.run(
            [sys.executable, "-m", "infra.local.prepare"],
            env=named | {"ROOST_ADMIN_KEY": SECRET},
            check=True,
            timeout=60,
        )
        yield named


@contextlib.contextmanager
def running(*command: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a command of `roost` until the end of the block, then stop it as a container is stopped."""
    program = subprocess.Popen([*ROOST, *command], env=environment)
    try:
        yield
        assert program.poll() is None, f"roost {command[0]} has ended by itself"
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) in (0, -signal.SIGTERM)  # uvicorn hands the signal on when all is answered
    finally:
        program.kill()
        program.wait(5)


async def test_a_gateway_put_together_by_hand_links_sends_and_stops(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder, port = tmp_path / "sandbox", str(_free_port())
    launcher = shlex.join([sys.executable, "-m", "infra.sandbox.client_kit", str(folder)])
    devices = {"ROOST_HOST_LAUNCHER": launcher, "ROOST_DEVICES_FOLDER": str(tmp_path / "devices")}
    with (
        running("sandbox", "--dir", str(folder), environment=environment),
        running("api", "--port", port, environment=environment),
        running("connector", environment=environment | devices),
    ):
        address = await eventually(lambda: _address(folder), lambda found: found is not None)
        assert address is not None
        async with (
            Gateway(f"http://127.0.0.1:{port}", SECRET) as gateway,
            SimulatedPhones(address.control) as phones,
        ):
            await eventually(lambda: _connectors(gateway), lambda count: count == 1)
            await phones.buy(BOB, "Bob")
            await link(gateway, phones, "ada", ADA)
            await gateway.send("ada", BOB, "By hand", wait=20)

            assert [each["text"] for each in await phones.texts(BOB, 1)] == ["By hand"]


async def _address(folder: Path) -> SandboxAddress | None:
    with contextlib.suppress(AddressError):
        return SandboxAddress.read(folder)
    return None


async def _connectors(gateway: Gateway) -> int:
    try:
        return len(await gateway.connectors())
    except GatewayError:  # the API does not listen yet
        return 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
