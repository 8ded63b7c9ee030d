"""DynamoDB's typed values, for the few types that Roost stores; boto3's own codec makes numbers Decimals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Value = str | int | bytes | bool | list[Any] | dict[str, Any]
Item = dict[str, Any]
"""An item of the table, or some attributes of one, in plain Python."""


def pack(item: Mapping[str, Value]) -> dict[str, AttributeValueTypeDef]:
    """Write attributes as DynamoDB's API wants them."""
    return {name: _packed(value) for name, value in item.items()}


def unpack(item: Mapping[str, Mapping[str, Any]]) -> Item:
    """Read attributes from DynamoDB's API."""
    return {name: _unpacked(value) for name, value in item.items()}


def _packed(value: Value) -> AttributeValueTypeDef:
    match value:
        case bool():  # before int, which it is too
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [_packed(part) for part in value]}
        case dict():
            return {"M": pack(value)}


def _unpacked(value: Mapping[str, Any]) -> Value:
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content)
        case "L":
            return [_unpacked(part) for part in content]
        case "M":
            return unpack(content)
        case "B":
            return bytes(content)
        case _:
            plain: str | bool = content
            return plain
