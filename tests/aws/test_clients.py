"""Settings from the environment, and boto3's errors as ours."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from infra.aws.attributes import pack, unpack
from infra.aws.clients import AwsSettings, AwsSettingsError, Clients
from infra.aws.errors import (
    AwsError,
    ForbiddenError,
    StackMissingError,
    ThrottledError,
    UnexpectedAwsError,
    UnreachableError,
    translated,
)
from infra.aws.queues import Queues
from infra.aws.sessions import Sessions
from infra.contract.queues import Nudge, NudgeReason
from tests.aws.builders import ADA

if TYPE_CHECKING:
    from infra.aws.attributes import Item


def test_the_environment_names_the_stack() -> None:
    environ = {
        "ROOST_STACK": "shop",
        "ROOST_SHARDS": "16",
        "ROOST_BUCKET": "shop-123456789012",
        "AWS_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    }

    settings = AwsSettings.from_environment(environ)

    assert settings == AwsSettings(
        stack="shop",
        shards=16,
        bucket="shop-123456789012",
        region="eu-central-1",
        endpoint_url="http://127.0.0.1:4566",
    )
    assert (settings.table_name, settings.bucket_name) == ("shop-table", "shop-123456789012")


def test_an_empty_environment_names_a_local_stack() -> None:
    settings = AwsSettings.from_environment({})

    assert settings == AwsSettings()
    assert (settings.table_name, settings.bucket_name) == ("roost-table", "roost-000000000000")


@pytest.mark.parametrize("shards", ["many", "0", "-1", "1.5", "²"])
def test_a_number_of_shards_that_cannot_be_is_refused_by_name(shards: str) -> None:
    with pytest.raises(AwsSettingsError, match="ROOST_SHARDS"):
        AwsSettings.from_environment({"ROOST_SHARDS": shards})


def test_a_client_is_made_once_for_all_threads(clients: Clients) -> None:
    fresh = Clients(clients.settings)

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: id(fresh.dynamodb), range(8)))

    assert len(made) == 1


@pytest.mark.parametrize(
    "item",
    [
        {"text": "ü", "empty": "", "number": -(10**20), "bytes": b"\0\xff", "yes": True, "no": False},
        {"list": [1, "a", [b"b"]], "map": {"a": {"b": []}}},
    ],
)
def test_attributes_are_read_as_they_were_written(item: Item) -> None:
    assert unpack(pack(item)) == item


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", ThrottledError),
        ("AccessDeniedException", ForbiddenError),
        ("ResourceNotFoundException", StackMissingError),
        ("InternalServerError", UnreachableError),
        ("ValidationException", UnexpectedAwsError),
    ],
)
def test_aws_errors_have_names_of_ours_and_tell_no_values(code: str, kind: type[AwsError]) -> None:
    answer: Any = {"Error": {"Code": code, "Message": "secret"}}

    with pytest.raises(kind) as caught, translated():
        raise ClientError(answer, "PutItem")

    assert str(caught.value) == f"PutItem: {code}"


def test_a_stack_that_was_not_created_is_missing(clients: Clients) -> None:
    elsewhere = Clients(msgspec.structs.replace(clients.settings, stack="nowhere"))

    with pytest.raises(StackMissingError):
        Sessions(elsewhere).find(ADA)
    with pytest.raises(StackMissingError):
        Queues(elsewhere).nudge(0, Nudge(ADA, NudgeReason.SEND))


def test_an_endpoint_that_does_not_answer_is_unreachable(clients: Clients) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        nobody = Clients(msgspec.structs.replace(clients.settings, endpoint_url=url))

        with pytest.raises(UnreachableError):
            Sessions(nobody).find(ADA)
