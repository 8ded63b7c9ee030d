"""The programs of the stack: what each is started with, and how it is known to work."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from infra.local.folder import ADMIN_KEY_VARIABLE
from infra.local.programs import Program
from infra.sandbox.address import AddressError, SandboxAddress

if TYPE_CHECKING:
    import socket

    from infra.local.folder import DataFolder

LOOPBACK = "127.0.0.1"
_EVERY_INTERFACE = ("0.0.0.0", "::", "")  # noqa: S104  named to be replaced
_REGION = "us-east-1"
_ANY_CREDENTIAL = "test"
"""The embedded AWS checks none; by this one it takes account 000000000000."""
_CONNECTOR_STOPS_WITHIN_SECONDS = 30.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What can be chosen."""

    host: str = LOOPBACK
    port: int = 8080
    """0 for any free one."""
    connectors: int = 1
    sandbox: bool = False


class StackPrograms:
    """Makes the programs of one stack. The listening sockets stay its maker's."""

    def __init__(
        self, folder: DataFolder, options: Options, *, api: socket.socket, aws: socket.socket
    ) -> None:
        self._folder = folder
        self._options = options
        self._listening = {"api": api.fileno(), "aws": aws.fileno()}
        self._secret = folder.admin_secret(os.environ)
        self.url = f"http://{_opened_host(options.host)}:{api.getsockname()[1]}"
        self._aws_url = f"http://{LOOPBACK}:{aws.getsockname()[1]}"
        self._environment = _led_to(self._aws_url)

    def aws(self, lock: int) -> Program:
        """Give the embedded AWS; it holds the folder's lock for as long as it may write."""
        listening = self._listening["aws"]
        return Program(
            name="aws",
            module="infra.local.embedded_aws",
            arguments=("--fd", str(listening), "--dir", str(self._folder.aws)),
            environment=os.environ,
            inherits=(listening, lock),
            is_ready=lambda _pid: _answers(f"{self._aws_url}/_ministack/health"),
        )

    def sandbox(self) -> Program:
        """Give the WhatsApp stand-in."""
        return Program(
            name="sandbox",
            module="infra.sandbox",
            arguments=("--dir", str(self._folder.sandbox)),
            environment=os.environ,
            is_ready=self._sandbox_answers,
        )

    def preparation(self) -> Program:
        """Give what makes the resources and the admin key."""
        return Program(
            name="prepare",
            module="infra.local.prepare",
            environment={**self._environment, ADMIN_KEY_VARIABLE: self._secret},
            runs_once=True,
        )

    def api(self) -> Program:
        """Give the API."""
        listening = self._listening["api"]
        return Program(
            name="api",
            module="infra.local.api",
            arguments=("--fd", str(listening)),
            environment=self._environment,
            inherits=(listening,),
            is_ready=lambda _pid: _answers(f"{self.url}/ready"),
        )

    def events(self) -> Program:
        """Give the consumer of the connectors' events."""
        return Program(name="events", module="infra.local.events", environment=self._environment)

    def connectors(self) -> list[Program]:
        """Give as many connectors as were asked for."""
        return [self._connector(number) for number in range(1, self._options.connectors + 1)]

    def _connector(self, number: int) -> Program:
        launcher = shlex.join([sys.executable, "-m", "infra.sandbox.client_kit", str(self._folder.sandbox)])
        return Program(
            name="connector" if self._options.connectors == 1 else f"connector-{number}",
            module="connector",
            environment={
                **self._environment,
                "ROOST_DEVICES_FOLDER": str(self._folder.devices / str(number)),
                **({"ROOST_HOST_LAUNCHER": launcher} if self._options.sandbox else {}),
            },
            stops_within_seconds=_CONNECTOR_STOPS_WITHIN_SECONDS,
            is_ready=self._connector_serves,
        )

    async def _sandbox_answers(self, _pid: int) -> bool:
        try:
            return await _answers(f"{SandboxAddress.read(self._folder.sandbox).control}/stats")
        except AddressError:
            return False

    async def _connector_serves(self, pid: int) -> bool:
        known = await _get(f"{self.url}/v1/connectors", secret=self._secret)
        return known is not None and any(each["pid"] == pid for each in known["items"])


def _led_to(aws_url: str) -> dict[str, str]:
    """Give this process's environment, led to the embedded AWS and to nothing else of AWS's."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return others | {
        "AWS_ENDPOINT_URL": aws_url,
        "AWS_REGION": _REGION,
        "AWS_DEFAULT_REGION": _REGION,
        "AWS_ACCESS_KEY_ID": _ANY_CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": _ANY_CREDENTIAL,
    }


def _opened_host(host: str) -> str:
    """Give the host as this machine can open it in a URL."""
    if host in _EVERY_INTERFACE:
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


async def _answers(url: str) -> bool:
    return await _get(url) is not None


async def _get(url: str, *, secret: str | None = None) -> Any:
    """Give the JSON of an answer, or None while there is none."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        try:
            answer = await http.get(url, headers=headers)
        except httpx.HTTPError:
            return None
    return answer.json() if answer.is_success else None
