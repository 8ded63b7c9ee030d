"""The table as the other adapters use it: conditional writes whose failure is an answer, and paged reads.

Expressions name attributes as `#name` and values as `:name`; the table fills both in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from infra.aws.attributes import Item, Value, pack, unpack
from infra.aws.errors import code_of, translated
from infra.aws.records import at
from infra.contract import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from infra.aws.clients import Clients
    from infra.contract.keys import Index, Key

EXISTS = f"attribute_exists(#{keys.PARTITION})"
IS_NEW = f"attribute_not_exists(#{keys.PARTITION})"

_NAME = re.compile(r"#(\w+)")
_GET_AT_ONCE = 100
_DELETE_AT_ONCE = 25


class Outcome(NamedTuple):
    """What became of a conditional write: done and the item as it is now, or not and the item as it was."""

    done: bool
    item: Item | None


class Table:
    """The one table of a stack."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self.name = clients.settings.table_name

    def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """Give an item, or None."""
        with translated():
            answer = self._clients.dynamodb.get_item(
                TableName=self.name, Key=pack(at(key)), ConsistentRead=consistent
            )
        return unpack(answer["Item"]) if "Item" in answer else None

    def get_many(self, wanted: Sequence[Key]) -> list[Item]:
        """Give those items that exist, in the order of their keys."""
        found: dict[tuple[str, str], Item] = {}
        for chunk in _chunks(wanted, _GET_AT_ONCE):
            rest: Any = {self.name: {"Keys": [pack(at(key)) for key in chunk]}}
            while rest:
                with translated():
                    answer = self._clients.dynamodb.batch_get_item(RequestItems=rest)
                for item in map(unpack, answer["Responses"].get(self.name, [])):
                    found[item[keys.PARTITION], item[keys.SORT]] = item
                rest = answer.get("UnprocessedKeys")
        return [found[key] for key in wanted if key in found]

    def put(
        self, item: Mapping[str, Value], *, condition: str = "", values: Mapping[str, Value] | None = None
    ) -> Outcome:
        """Put an item if the condition holds."""
        with translated():
            try:
                self._clients.dynamodb.put_item(**self.put_request(item, condition=condition, values=values))
            except ClientError as error:
                return _refusal(error)
        return Outcome(done=True, item=dict(item))

    def put_request(
        self, item: Mapping[str, Value], *, condition: str = "", values: Mapping[str, Value] | None = None
    ) -> Any:
        """Give the request of `put`, alone or as a part of a transaction."""
        return {"TableName": self.name, "Item": pack(item), **_conditional("", condition, values or {})}

    def update(self, key: Key, change: str, *, condition: str, values: Mapping[str, Value]) -> Outcome:
        """Change an item if the condition holds; `change` is an update expression."""
        with translated():
            try:
                answer = self._clients.dynamodb.update_item(
                    ReturnValues="ALL_NEW",
                    **self.update_request(key, change, condition=condition, values=values),
                )
            except ClientError as error:
                return _refusal(error)
        return Outcome(done=True, item=unpack(answer["Attributes"]))

    def update_request(self, key: Key, change: str, *, condition: str, values: Mapping[str, Value]) -> Any:
        """Give the request of `update`, alone or as a part of a transaction."""
        return {
            "TableName": self.name,
            "Key": pack(at(key)),
            "UpdateExpression": change,
            **_conditional(change, condition, values),
        }

    def write_together(self, parts: Sequence[Any]) -> list[Outcome] | None:
        """Do puts (`{"Put": request}`) and updates, all or none.

        None if all were done, else what each would have met. To repeat it after a lost answer does it once:
        boto3 sends the same token again. Raises ThrottledError if another transaction was in the way.
        """
        with translated():
            try:
                self._clients.dynamodb.transact_write_items(TransactItems=parts)
            except ClientError as error:
                reasons: Sequence[Any] = error.response.get("CancellationReasons", ())
                if not any(reason["Code"] == "ConditionalCheckFailed" for reason in reasons):
                    raise
                return [_outcome_of(reason) for reason in reasons]
        return None

    def delete(self, key: Key) -> None:
        """Delete an item; twice is once."""
        with translated():
            self._clients.dynamodb.delete_item(TableName=self.name, Key=pack(at(key)))

    def delete_many(self, unwanted: Iterable[Key]) -> None:
        """Delete items; those that are not there change nothing."""
        for chunk in _chunks(list(unwanted), _DELETE_AT_ONCE):
            rest: Any = {self.name: [{"DeleteRequest": {"Key": pack(at(key))}} for key in chunk]}
            while rest:
                with translated():
                    answer = self._clients.dynamodb.batch_write_item(RequestItems=rest)
                rest = answer["UnprocessedItems"]

    def query(  # noqa: PLR0913 - one named option for each that DynamoDB has and Roost uses
        self,
        where: str,
        values: Mapping[str, Value],
        *,
        index: Index | None = None,
        filter_by: str = "",
        only: Sequence[str] = (),
        consistent: bool = False,
        newest_first: bool = False,
        page_size: int | None = None,
    ) -> Iterator[Item]:
        """Give items in order, read page by page as they are asked for; `only` these attributes, if named."""
        projection = ", ".join(f"#{name}" for name in only)
        request: Any = {
            "TableName": self.name,
            "KeyConditionExpression": where,
            "ExpressionAttributeNames": _names(f"{where} {filter_by} {projection}"),
            "ExpressionAttributeValues": _values(values),
            "ConsistentRead": consistent,
            "ScanIndexForward": not newest_first,
        }
        options = {
            "IndexName": index.name if index else None,
            "FilterExpression": filter_by,
            "ProjectionExpression": projection,
            "Limit": page_size,
        }
        request.update({name: value for name, value in options.items() if value})
        return self._pages(request)

    def _pages(self, request: Any) -> Iterator[Item]:
        while True:
            with translated():
                answer = self._clients.dynamodb.query(**request)
            yield from map(unpack, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def count(self, index: Index, partition: str) -> int:
        """Count the items of an index's partition."""
        request: Any = {
            "TableName": self.name,
            "IndexName": index.name,
            "Select": "COUNT",
            "KeyConditionExpression": f"#{index.partition} = :partition",
            "ExpressionAttributeNames": _names(f"#{index.partition}"),
            "ExpressionAttributeValues": _values({"partition": partition}),
        }
        with translated():
            pages = self._clients.dynamodb.get_paginator("query").paginate(**request)
            return sum(page["Count"] for page in pages)


def assignment(changes: Mapping[str, Value | None]) -> str:
    """Write an update expression that sets attributes to the values of the same names; None removes one."""
    kept = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    gone = [f"#{name}" for name, value in changes.items() if value is None]
    return " ".join(
        f"{verb} {', '.join(parts)}" for verb, parts in (("SET", kept), ("REMOVE", gone)) if parts
    )


def one_of(attribute: str, allowed: Iterable[str]) -> tuple[str, dict[str, Value]]:
    """Write the condition that an attribute has one of some values, and those values."""
    values: dict[str, Value] = {f"{attribute}_{value}": value for value in allowed}
    return f"#{attribute} IN ({', '.join(f':{name}' for name in values)})", values


def _conditional(change: str, condition: str, values: Mapping[str, Value]) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if names := _names(f"{change} {condition}"):
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = _values(values)
    if condition:
        request["ConditionExpression"] = condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return request


def _names(expressions: str) -> dict[str, str]:
    return {f"#{name}": name for name in _NAME.findall(expressions)}


def _values(values: Mapping[str, Value]) -> dict[str, Any]:
    return {f":{name}": value for name, value in pack(values).items()}


def _refusal(error: ClientError) -> Outcome:
    if code_of(error) != "ConditionalCheckFailedException":
        raise error
    item: Any = error.response.get("Item")
    return Outcome(done=False, item=unpack(item) if item else None)


def _outcome_of(reason: Mapping[str, Any]) -> Outcome:
    item = reason.get("Item")
    return Outcome(done=reason["Code"] == "None", item=unpack(item) if item else None)


def _chunks(things: Sequence[Key], size: int) -> Iterator[Sequence[Key]]:
    for start in range(0, len(things), size):
        yield things[start : start + size]
