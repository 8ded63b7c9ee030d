"""Media hosts that fail on order, for one number."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from infra.sandbox.network.faults import FaultKind
from infra.sandbox.transport.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from infra.sandbox.network.faults import Faults


class FaultyMedia:
    """Passes requests on to the media store unless a `media-error` stands for whose they are."""

    def __init__(self, media_store: Callable[[Request], Awaitable[Response]], faults: Faults) -> None:
        self._media_store = media_store
        self._faults = faults

    async def __call__(self, request: Request) -> Response:
        """Answer a client's request. An upload's auth names its number; a download's path, its receiver's."""
        number = request.query.get("auth", "").partition(".")[0] or request.query.get("to", "")
        if self._faults.use(number, FaultKind.MEDIA_ERROR):
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)
        return await self._media_store(request)
