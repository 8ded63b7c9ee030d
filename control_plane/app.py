"""The API as one ASGI application."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from litestar import Litestar, Request
from litestar.di import Provide

from control_plane.answers import EXCEPTION_HANDLERS
from control_plane.api_keys import routes as api_keys
from control_plane.auth import key_guard
from control_plane.connectors import routes as connectors
from control_plane.documentation.openapi import openapi_config
from control_plane.health import routes as health
from control_plane.linking import routes as linking
from control_plane.messages import routes as messages
from control_plane.sessions import routes as sessions
from infra.contract.api_keys import ApiKey  # noqa: TC001  Litestar reads the annotations

if TYPE_CHECKING:
    from control_plane.parts import Parts

API_VERSION = "1"
MAX_BODY_BYTES = 1 << 20

_NOUNS = (sessions, linking, messages, api_keys, connectors, health)


def create_app(parts: Parts) -> Litestar:
    """Build the application of these parts; it opens nothing and starts nothing."""
    return Litestar(
        [noun.router for noun in _NOUNS],
        guards=[key_guard(parts.api_keys, parts.clock)],
        dependencies={"caller": Provide(_caller, sync_to_thread=False), **_providers(parts)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=openapi_config(API_VERSION, [noun.TAG for noun in _NOUNS]),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )


def _providers(parts: Parts) -> dict[str, Provide]:
    return {field.name: _provide(getattr(parts, field.name)) for field in fields(parts)}


def _provide(part: object) -> Provide:
    return Provide(lambda: part, sync_to_thread=False)


def _caller(request: Request[Any, ApiKey, Any]) -> ApiKey:
    return request.auth
