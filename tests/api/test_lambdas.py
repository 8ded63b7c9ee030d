"""The two Lambda functions: what they import, what they answer, and which records they give back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from infra.contract.jid import Jid
from infra.contract.message import Text
from infra.contract.queues import MessageReceived, encode
from tests.api.conftest import ADMIN_SECRET
from tests.api.gateway import SUPPORT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.gateway import Gateway

UNWANTED = ("neonize", "jinja2", "pydantic", "moto", "ministack", "samtranslator", "PIL", "connector")

# Litestar and powertools import pydantic and Jinja where they find them, as here, so here they are not found.
_IMPORTS_WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {unwanted!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
import {module}
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


@pytest.mark.parametrize("module", ["control_plane.lambda_api", "control_plane.lambda_events"])
def test_a_function_needs_nothing_that_it_is_not_shipped_with(module: str) -> None:
    program = _IMPORTS_WITHOUT.format(unwanted=UNWANTED, module=module)

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()).isdisjoint(UNWANTED)


@pytest.fixture
def stack(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """The gateway's stack, as a function's environment names it; its modules are imported anew."""
    monkeypatch.setenv("ROOST_STACK", gateway.clients.settings.stack)
    monkeypatch.setenv("ROOST_SHARDS", str(gateway.clients.settings.shards))
    for module in ("control_plane.lambda_api", "control_plane.lambda_events"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return gateway


@pytest.fixture(autouse=True)
def _event_loop_of_a_function() -> Iterator[None]:
    """Give Mangum a loop, as it takes the one of its thread and never closes it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def an_http_request(method: str, path: str, body: object = None) -> dict[str, Any]:
    """Build what API Gateway's HTTP API calls the function with."""
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "authorization": f"Bearer {ADMIN_SECRET}",
            "accept": "*/*",
            "content-type": "application/json",
        },
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def sqs_records(*bodies: str) -> dict[str, Any]:
    """Build what SQS calls the function with."""
    return {
        "Records": [
            {"messageId": f"m-{number}", "body": body, "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def test_the_api_answers_behind_api_gateway(stack: Gateway) -> None:
    from control_plane.lambda_api import handler  # noqa: PLC0415  it reads the environment when imported

    created = handler(an_http_request("POST", "/v1/sessions", {"id": SUPPORT}), object())  # type: ignore[arg-type]
    refused = handler(an_http_request("GET", "/v1/sessions/nobody"), object())  # type: ignore[arg-type]

    assert created["statusCode"] == 201
    assert json.loads(created["body"])["id"] == SUPPORT
    assert refused["statusCode"] == 404
    assert refused["headers"]["content-type"] == "application/problem+json"


def test_a_qr_goes_out_as_bytes_behind_api_gateway(stack: Gateway) -> None:
    from control_plane.lambda_api import handler  # noqa: PLC0415

    answer = handler(an_http_request("GET", "/api-docs/assets/favicon-32x32.png"), object())  # type: ignore[arg-type]

    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)


async def test_only_what_failed_of_a_batch_comes_again(stack: Gateway) -> None:
    from control_plane.lambda_events import handler  # noqa: PLC0415

    await stack.create()
    bob = Jid.phone_number("14155550101")
    good = encode(MessageReceived(SUPPORT, "3EB0BB", bob, bob, Text("Hi"), stack.clock.now()))

    answer = handler(sqs_records(good, "poison", good), object())  # type: ignore[arg-type]

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert len(stack.messages.list(SUPPORT).items) == 1


def test_a_batch_that_failed_as_a_whole_comes_again_as_a_whole(stack: Gateway) -> None:
    from control_plane.lambda_events import handler  # noqa: PLC0415

    answer = handler(sqs_records("poison", "{}"), object())  # type: ignore[arg-type]

    assert [each["itemIdentifier"] for each in answer["batchItemFailures"]] == ["m-0", "m-1"]
