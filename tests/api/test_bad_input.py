"""Everything that schemathesis makes of the OpenAPI document: no 5xx, and every answer as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from control_plane.documentation.openapi import SCHEME
from infra.aws.clients import AwsSettings, Clients
from tests.api.conftest import ADMIN_SECRET
from tests.api.gateway import Gateway

if TYPE_CHECKING:
    from schemathesis import Case

DOCUMENT = Gateway(Clients(AwsSettings()), "any").app.openapi_schema.to_schema()
OPERATIONS = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "parameters" in operation or "requestBody" in operation
]


def config_for(path: str, method: str) -> SchemathesisConfig:
    """Say which answers a request may get that is as documented.

    A string can look like a number or a cursor and be none; a session may be in the wrong state.
    """
    statuses = ["2xx", "403", "404", "409", "422", "504"]
    parameters = DOCUMENT["paths"][path][method].get("parameters", [])
    if any(parameter["name"] == "cursor" for parameter in parameters):
        statuses.append("400")
    return SchemathesisConfig.from_dict(
        {
            "auth": {"openapi": {SCHEME: {"bearer": ADMIN_SECRET}}},
            "checks": {"positive_data_acceptance": {"expected-statuses": statuses}},
        }
    )


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_whatever_is_asked_the_answer_is_as_documented(
    walked_gateway: Gateway, method: str, path: str, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_asgi(
        "/api-docs/openapi.json", walked_gateway.app, config=config_for(path, method)
    )

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def ask(case: Case[Any]) -> None:
        case.call_and_validate()

    ask()
