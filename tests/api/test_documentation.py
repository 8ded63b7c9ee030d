"""The OpenAPI document, and Swagger UI from our own files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.gateway import Gateway


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give every operation, by its name."""
    for path in document["paths"].values():
        for operation in path.values():
            yield operation["operationId"], operation


async def test_the_document_is_openapi_3_1_and_needs_no_key(gateway: Gateway) -> None:
    answer = await gateway.caller(None).get("/api-docs/openapi.json")

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.1")


async def test_every_operation_says_what_it_does_and_what_can_go_wrong(gateway: Gateway) -> None:
    document = gateway.app.openapi_schema.to_schema()

    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        problems = {status for status in operation["responses"] if int(status) >= 400}
        wanted = {"400", "500", "503"} if operation["tags"] == ["Health"] else {"401", "403"}
        assert wanted <= problems, name
        for status in problems:
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"], name


async def test_every_body_has_examples(gateway: Gateway) -> None:
    document = gateway.app.openapi_schema.to_schema()

    schemas = document["components"]["schemas"]
    for name in ("NewSession", "NewMessage", "NewKey", "CodeRequest", "SessionView", "OutboundView"):
        assert any("examples" in field for field in schemas[name]["properties"].values()), name


async def test_the_qr_is_documented_in_all_its_forms(gateway: Gateway) -> None:
    document = gateway.app.openapi_schema.to_schema()

    content = dict(operations(document))["show_qr"]["responses"]["200"]["content"]

    assert set(content) == {"application/json", "image/png", "image/svg+xml", "text/plain"}


async def test_the_page_loads_nothing_from_elsewhere(gateway: Gateway) -> None:
    stranger = gateway.caller(None)

    page = await stranger.get("/api-docs")

    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert len(links) == 4
    for link in links:
        file = await stranger.get(link)
        assert file.status_code == 200, link
        assert "max-age" in file.headers["cache-control"]


@pytest.mark.parametrize("name", ["README.md", "..%2F..%2Fproblems.py", "nothing.js"])
async def test_no_other_file_is_served(gateway: Gateway, name: str) -> None:
    answer = await gateway.caller(None).get(f"/api-docs/assets/{name}")

    assert answer.status_code == 404
