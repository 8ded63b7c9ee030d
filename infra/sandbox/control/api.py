"""The control API as one ASGI application, with its OpenAPI document at `/schema/openapi.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request
from litestar.di import Provide
from litestar.exceptions import PermissionDeniedException
from litestar.openapi import OpenAPIConfig

from infra.sandbox.control import messages_api, network_api, phones_api, problems

if TYPE_CHECKING:
    from infra.sandbox.network.network import Network
    from infra.sandbox.phones.phones import Phones

_LOOPBACK = {"127.0.0.1", "localhost"}


def control_app(phones: Phones, network: Network) -> Litestar:
    """Build the application."""
    return Litestar(
        [*phones_api.HANDLERS, *messages_api.HANDLERS, *network_api.HANDLERS],
        dependencies={
            "phones": Provide(lambda: phones, sync_to_thread=False),
            "network": Provide(lambda: network, sync_to_thread=False),
        },
        exception_handlers=problems.HANDLERS,
        before_request=_refuse_strangers,
        openapi_config=OpenAPIConfig(title="Roost sandbox: control API", version="1", render_plugins=[]),
        logging_config=None,
        request_max_body_size=200 << 20,
    )


async def _refuse_strangers(request: Request[Any, Any, Any]) -> None:
    """Answer loopback names only, so that no web page can reach the API by a DNS name of its own."""
    if request.url.hostname not in _LOOPBACK:
        raise PermissionDeniedException("the sandbox's control API answers to 127.0.0.1 and localhost only")
