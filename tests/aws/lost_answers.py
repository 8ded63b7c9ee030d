"""A network that loses an answer: the request is done, and boto3 sends it again."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

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
