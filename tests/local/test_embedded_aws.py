"""The embedded AWS as a process of its own: what it answered is there after it was killed."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.clients import AwsSettings, Clients
from infra.contract import keys
from infra.local import tether
from infra.local.stack import create_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """The socket that every run of the embedded AWS inherits."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as opened:
        yield opened


@pytest.fixture
def clients(listening: socket.socket, monkeypatch: pytest.MonkeyPatch) -> Clients:
    """Clients of the embedded AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    return Clients(AwsSettings(endpoint_url=f"http://127.0.0.1:{listening.getsockname()[1]}"))


@contextlib.contextmanager
def embedded_aws(listening: socket.socket, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run it; it is killed at the end, if it still runs."""
    arguments = ("--fd", str(listening.fileno()), "--dir", str(folder))
    with subprocess.Popen(
        tether.command("infra.local.embedded_aws", *arguments), pass_fds=[listening.fileno()]
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def put(clients: Clients, pk: str, **more: Any) -> None:
    """Put an item into the table."""
    item = {keys.PARTITION: {"S": pk}, keys.SORT: {"S": "x"}, **more}
    clients.dynamodb.put_item(TableName=clients.settings.table_name, Item=item)


def item(clients: Clients, pk: str) -> dict[str, Any] | None:
    """Read an item."""
    key = {keys.PARTITION: {"S": pk}, keys.SORT: {"S": "x"}}
    found = clients.dynamodb.get_item(TableName=clients.settings.table_name, Key=key, ConsistentRead=True)
    return dict(found["Item"]) if "Item" in found else None


def test_every_answered_write_of_the_table_survives_a_kill(
    listening: socket.socket, clients: Clients, tmp_path: Path
) -> None:
    table = clients.settings.table_name
    with embedded_aws(listening, tmp_path):
        create_stack(clients)
        put(clients, "put", data={"B": b"\x00\xff"})
        put(clients, "deleted")
        put(clients, "counted", n={"N": "1"})
        clients.dynamodb.update_item(
            TableName=table,
            Key={keys.PARTITION: {"S": "counted"}, keys.SORT: {"S": "x"}},
            UpdateExpression="ADD n :two",
            ExpressionAttributeValues={":two": {"N": "2"}},
        )
        gone = {"TableName": table, "Key": {keys.PARTITION: {"S": "deleted"}, keys.SORT: {"S": "x"}}}
        new = {"TableName": table, "Item": {keys.PARTITION: {"S": "both"}, keys.SORT: {"S": "x"}}}
        clients.dynamodb.transact_write_items(TransactItems=[{"Delete": gone}, {"Put": new}])  # type: ignore[typeddict-item]

    with embedded_aws(listening, tmp_path):
        assert (item(clients, "put") or {})["data"] == {"B": b"\x00\xff"}
        assert (item(clients, "counted") or {})["n"] == {"N": "3"}
        assert item(clients, "both") is not None
        assert item(clients, "deleted") is None
        ttl = clients.dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
        assert ttl["AttributeName"] == keys.EXPIRES_AT


def test_stored_objects_survive_a_kill_with_their_etag_and_metadata(
    listening: socket.socket, clients: Clients, tmp_path: Path
) -> None:
    bucket = clients.settings.bucket_name
    with embedded_aws(listening, tmp_path):
        create_stack(clients)
        etag = clients.s3.put_object(Bucket=bucket, Key="a/b", Body=b"keys", Metadata={"fence": "7"})["ETag"]

    with embedded_aws(listening, tmp_path):
        create_stack(clients)
        stored = clients.s3.get_object(Bucket=bucket, Key="a/b")

    assert (stored["ETag"], stored["Metadata"]) == (etag, {"fence": "7"})


def test_a_clean_end_keeps_what_waits_in_the_queues(
    listening: socket.socket, clients: Clients, tmp_path: Path
) -> None:
    with embedded_aws(listening, tmp_path) as process:
        create_stack(clients)
        name = keys.shard_queue(clients.settings.stack, 0)
        url = clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        clients.sqs.send_message(QueueUrl=url, MessageBody="a nudge")
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)

    with embedded_aws(listening, tmp_path):
        received = clients.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)

    assert [each["Body"] for each in received["Messages"]] == ["a nudge"]


def test_who_asks_while_it_starts_waits_for_the_answer(
    listening: socket.socket, clients: Clients, tmp_path: Path
) -> None:
    with embedded_aws(listening, tmp_path):
        assert clients.dynamodb.list_tables()["TableNames"] == []
