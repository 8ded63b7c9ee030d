"""Bodies of requests: JSON that is as documented, and nothing besides."""

from __future__ import annotations

from typing import Annotated, TypeAlias, TypeVar

from litestar.enums import RequestEncodingType
from litestar.params import BodyKwarg

T = TypeVar("T")

StrictBody: TypeAlias = Annotated[
    T, BodyKwarg(media_type=RequestEncodingType.JSON, schema_extra={"additional_properties": False})
]
"""A struct that forbids unknown fields; Litestar does not say so in the OpenAPI document by itself."""
