"""The control API as one ASGI application, with its OpenAPI document at `/schema/openapi.json`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from litestar import Litestar, MediaType, Request
from litestar.di import Provide
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.openapi import OpenAPIConfig
from litestar.status_codes import HTTP_415_UNSUPPORTED_MEDIA_TYPE

from infra.sandbox.control import messages_api, network_api, phones_api, problems

if TYPE_CHECKING:
    from infra.sandbox.network.network import Network
    from infra.sandbox.phones.phones import Phones

_OWN_HOSTS = re.compile(r"(127\.0\.0\.1|localhost)(:\d+)?")


class UnsupportedMediaTypeError(ClientException):
    """A body must be JSON and say so: content-type application/json."""

    status_code = HTTP_415_UNSUPPORTED_MEDIA_TYPE
    detail = "a body must be JSON and say so: content-type application/json"


def control_app(phones: Phones, network: Network) -> Litestar:
    """Build the application."""
    return Litestar(
        [*phones_api.HANDLERS, *messages_api.HANDLERS, *network_api.HANDLERS],
        dependencies={
            "phones": Provide(lambda: phones, sync_to_thread=False),
            "network": Provide(lambda: network, sync_to_thread=False),
        },
        exception_handlers=problems.HANDLERS,
        before_request=_refuse_web_pages,
        openapi_config=OpenAPIConfig(title="Roost sandbox: control API", version="1", render_plugins=[]),
        logging_config=None,
        request_max_body_size=200 << 20,
    )


async def _refuse_web_pages(request: Request[Any, Any, Any]) -> None:
    """Refuse what a page in somebody's browser could send: a host name of its own, or a body of a form."""
    if _OWN_HOSTS.fullmatch(request.headers.get("host", "")) is None:
        raise PermissionDeniedException("the sandbox's control API answers to 127.0.0.1 and localhost only")
    media_type, _ = request.content_type
    if media_type != MediaType.JSON and await request.body():
        raise UnsupportedMediaTypeError
