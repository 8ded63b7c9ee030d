"""What the OpenAPI document says of the API as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from control_plane.documentation.swagger_ui import SwaggerUi, documentation_router
from control_plane.problems import catalogue_as_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

SCHEME = "api_key"

_DESCRIPTION = """
A WhatsApp gateway: link numbers, send, receive.

Create a session, show its QR to a phone, and post messages. What was accepted (`202`) is stored, and is sent
in the order in which it was accepted; `Idempotency-Key` makes it safe to post again when an answer was lost.
Listings come in pages: pass `next_cursor` back as `cursor` until it is null.

Errors are problems (RFC 9457, `application/problem+json`). Their `code` is stable:
"""


def openapi_config(version: str, tags: Sequence[Tag]) -> OpenAPIConfig:
    """Describe the API; the document is at `/api-docs/openapi.json`."""
    return OpenAPIConfig(
        title="Roost",
        version=version,
        description=f"{_DESCRIPTION.strip()}\n\n{catalogue_as_markdown()}",
        openapi_router=documentation_router(),
        render_plugins=[SwaggerUi(), JsonRenderPlugin(path="/openapi.json")],
        security=[{SCHEME: []}],
        tags=list(tags),
        use_handler_docstrings=True,
        operation_id_creator=lambda handler, _method, _path: handler.handler_name,
        components=Components(
            security_schemes={
                SCHEME: SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="An API key: `Authorization: Bearer roost_…`",
                )
            }
        ),
    )
