"""Stacks created from template.yaml, empty at the start of every test: in moto, and in the embedded AWS.

moto runs in the process and is fast; the embedded AWS is one at a time about what happens at once, and counts
write units as DynamoDB does.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from infra.aws.clients import AwsSettings, Clients
from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.aws.sessions import Sessions
from infra.local.stack import create_stack
from tests.aws.embedded import embedded_aws
from tests.moto_aws import moto_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS = itertools.count()
SHARDS = 2


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with moto_aws():
        yield


@pytest.fixture(scope="session")
def _stack(_aws: None) -> Clients:
    clients = Clients(AwsSettings(stack="test", shards=SHARDS))
    create_stack(clients)
    return clients


@pytest.fixture
def clients(_stack: Clients) -> Iterator[Clients]:
    """Give the clients of a stack with two shards, its table and bucket empty; for queues see `own_stack`."""
    yield _stack
    _empty(_stack)


@pytest.fixture
def own_stack(_aws: None) -> Clients:
    """Give the clients of a stack that no other test sees: queues can be emptied once a minute only."""
    clients = Clients(AwsSettings(stack=f"test{next(_NUMBERS)}", shards=SHARDS))
    create_stack(clients)
    return clients


@pytest.fixture(scope="session")
def embedded_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of the embedded AWS, which runs in a process of its own."""
    with embedded_aws(tmp_path_factory.mktemp("embedded-aws")) as url:
        yield url


@pytest.fixture
def embedded(_aws: None, embedded_url: str) -> Clients:
    """Give the clients of an empty stack with two shards in the embedded AWS."""
    clients = Clients(AwsSettings(stack=f"test{next(_NUMBERS)}", shards=SHARDS, endpoint_url=embedded_url))
    create_stack(clients)
    return clients


@pytest.fixture
def sessions(clients: Clients) -> Sessions:
    """Give the sessions of an empty stack."""
    return Sessions(clients)


@pytest.fixture
def messages(clients: Clients) -> Messages:
    """Give the messages of an empty stack."""
    return Messages(clients)


@pytest.fixture
def outbox(clients: Clients) -> Outbox:
    """Give the outbox of an empty stack."""
    return Outbox(clients)


def _empty(clients: Clients) -> None:
    table = clients.settings.table_name
    for page in list(clients.dynamodb.get_paginator("scan").paginate(TableName=table)):
        for item in page["Items"]:
            clients.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    bucket = clients.settings.bucket_name
    for stored in list(clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket)):
        for version in (*stored.get("Versions", ()), *stored.get("DeleteMarkers", ())):
            clients.s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
