"""The API as AWS Lambda runs it. Built at import: Lambda's init phase has the most CPU."""

from __future__ import annotations

from typing import Any

from mangum import Mangum

from control_plane.app import create_app
from control_plane.parts import Parts
from control_plane.settings import Settings
from infra.aws.clients import AwsSettings, Clients

_parts = Parts.on(Clients(AwsSettings.from_environment()), settings=Settings.from_environment())
_app: Any = create_app(_parts)  # Mangum's notion of ASGI is wider than Litestar's

handler = Mangum(_app, lifespan="off")
