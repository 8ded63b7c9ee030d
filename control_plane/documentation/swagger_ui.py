"""Swagger UI at `/api-docs`: local files only, so that it works without the internet and tells nobody."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from litestar import Request, Response, Router, get
from litestar.datastructures import ResponseHeader
from litestar.enums import MediaType
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath  # noqa: TC002  Litestar reads the annotations

from control_plane.problems import Code, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH: Final = "/api-docs"

_FILES: Final = Path(__file__).parent / "assets"
_MEDIA_TYPES: Final = {
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class SwaggerUi(OpenAPIRenderPlugin):
    """The page; it fetches the document from beside itself."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: Mapping[str, Any]) -> bytes:  # noqa: ARG002
        """Give the page."""
        return _content("index.html")

    def receive_router(self, router: Router) -> None:
        """Add the page's files."""
        router.register(show_file)


def documentation_router() -> Router:
    """Make the router of the page and the document, which lets the page load nothing from elsewhere."""
    return Router(
        PATH,
        route_handlers=[],
        include_in_schema=False,
        response_headers=[ResponseHeader(name="Content-Security-Policy", value=_POLICY)],
    )


@get("/assets/{file_name:str}", sync_to_thread=False)
def show_file(file_name: FromPath[str]) -> Response[bytes]:
    """Give one of the page's files."""
    if file_name not in _MEDIA_TYPES:
        raise ProblemError(Code.NO_SUCH_ROUTE, f"nothing is at {PATH}/assets/{file_name}")
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(_content(file_name), media_type=_MEDIA_TYPES[file_name], headers=headers)


@cache
def _content(file_name: str) -> bytes:
    return (_FILES / file_name).read_bytes()
