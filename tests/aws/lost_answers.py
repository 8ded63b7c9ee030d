"""A network that loses an answer, so that boto3 asks again; and a table where others are in the way."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Self

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.aws.clients import Clients


@contextlib.contextmanager
def first_answer_lost(clients: Clients, operation: str) -> Iterator[None]:
    """Do the next request of this kind twice, and let only the second answer be seen."""
    service = "s3" if operation == "PutObject" else "dynamodb"
    client: Any = getattr(clients, service)
    event = f"needs-retry.{service}.{operation}"
    lost: list[int] = []

    def lose_one(**_details: object) -> float | None:
        if lost:
            return None
        lost.append(1)
        return 0.0  # seconds until it is sent again

    client.meta.events.register_first(event, lose_one)
    try:
        yield
    finally:
        client.meta.events.unregister(event, lose_one)
    assert lost, f"{operation} was not asked"


class Conflicts:
    """For some times, another transaction is in the way of each of ours."""

    _EVENT = "before-call.dynamodb.TransactWriteItems"

    def __init__(self, clients: Clients, *, times: int) -> None:
        self._events: Any = clients.dynamodb.meta.events
        self._left = times

    def __enter__(self) -> Self:
        self._events.register(self._EVENT, self._conflict)
        return self

    def __exit__(self, *_error: object) -> None:
        self._events.unregister(self._EVENT, self._conflict)

    def _conflict(self, **_details: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if self._left == 0:
            return None
        self._left -= 1
        reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
        told = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
        return AWSResponse("", 400, HTTPHeaders(), None), told
