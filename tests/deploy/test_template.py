"""template.yaml and the code agree on names, keys and timeouts; SAM and the local stack can read it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]

from infra.aws.clients import LOCAL_ACCOUNT, AwsSettings, Clients
from infra.aws.leases import Leases
from infra.contract import keys
from infra.contract.keys import INDEXES
from infra.local.stack import create_stack, data_plane
from infra.local.template import TEMPLATE, read_template
from tests.moto_aws import moto_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = AwsSettings(stack="shop")


@pytest.fixture(scope="module")
def template() -> Any:
    """The template in long form, with its own number of shards."""
    return read_template()


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    """The template's resources for the stack "shop"."""
    return data_plane(SETTINGS)


@pytest.fixture
def stack() -> Iterator[Clients]:
    """The stack "shop" in moto."""
    with moto_aws():
        clients = Clients(SETTINGS)
        create_stack(clients)
        yield clients


def test_the_table_has_the_keys_and_indexes_of_the_layout(resources: dict[str, Any]) -> None:
    table = resources["Table"]["Properties"]

    indexes = {
        index["IndexName"]: (_key_of(index), index["Projection"]) for index in table["GlobalSecondaryIndexes"]
    }

    assert table["TableName"] == keys.table("shop")
    assert _key_of(table) == (keys.PARTITION, keys.SORT)
    assert indexes == {
        index.name: ((index.partition, index.sort), {"ProjectionType": "KEYS_ONLY"}) for index in INDEXES
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": keys.EXPIRES_AT, "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_names_are_those_of_the_layout(resources: dict[str, Any]) -> None:
    queues = {
        each["Properties"]["QueueName"] for each in resources.values() if each["Type"] == "AWS::SQS::Queue"
    }

    shard_queues = {keys.shard_queue("shop", shard) for shard in range(SETTINGS.shards)}
    assert queues == {keys.events_queue("shop"), "shop-events-dead", "shop-shards-dead", *shard_queues}
    assert resources["Bucket"]["Properties"]["BucketName"] == keys.bucket("shop", LOCAL_ACCOUNT)


def test_there_are_as_many_shards_as_code_assumes(template: Any) -> None:
    shards = template["Parameters"]["Shards"]["Default"].split(",")

    assert shards == [str(shard) for shard in range(AwsSettings().shards)]


def test_functions_are_told_what_the_settings_read(template: Any) -> None:
    told = template["Globals"]["Function"]["Environment"]["Variables"]
    environ = {"ROOST_STACK": "shop", "ROOST_BUCKET": "shop-1", "ROOST_SHARDS": "3"}

    settings = AwsSettings.from_environment(environ)

    assert told.keys() == environ.keys()
    assert (settings.stack, settings.bucket_name, settings.shards) == ("shop", "shop-1", 3)


def test_every_queue_but_the_dead_letters_has_dead_letters(resources: dict[str, Any]) -> None:
    queues = {name: each for name, each in resources.items() if each["Type"] == "AWS::SQS::Queue"}

    for name, queue in queues.items():
        assert ("RedrivePolicy" in queue["Properties"]) != name.endswith("DeadLetters"), name


def test_an_event_stays_hidden_for_longer_than_its_consumer_may_take(resources: dict[str, Any]) -> None:
    hidden = resources["Events"]["Properties"]["VisibilityTimeout"]

    assert hidden >= 6 * resources["EventsFunction"]["Properties"]["Timeout"]


def test_the_function_gives_up_before_the_api_does(resources: dict[str, Any]) -> None:
    function = resources["ApiFunction"]["Properties"]

    api_seconds = function["Events"]["Everything"]["Properties"]["TimeoutInMillis"] / 1000
    assert function["Timeout"] < api_seconds <= 30  # API Gateway's own limit


def test_the_consumer_reports_the_failures_of_a_batch(resources: dict[str, Any]) -> None:
    source = resources["EventsFunction"]["Properties"]["Events"]["Events"]["Properties"]

    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_no_policy_allows_everything(template: Any) -> None:
    for name in ("ApiFunction", "EventsFunction"):
        (policy,) = template["Resources"][name]["Properties"]["Policies"]
        for statement in policy["Statement"]:
            actions = statement["Action"]
            allowed = [actions] if isinstance(actions, str) else actions
            assert not [action for action in allowed if "*" in action], statement["Sid"]
            assert statement["Resource"] != "*", statement["Sid"]


def test_what_cannot_be_made_again_is_kept_when_the_stack_goes(template: Any) -> None:
    for name in ("Table", "Bucket"):
        assert template["Resources"][name]["DeletionPolicy"] == "Retain"
        assert template["Resources"][name]["UpdateReplacePolicy"] == "Retain"


def test_a_local_stack_has_what_the_template_says(stack: Clients) -> None:
    told = stack.dynamodb.describe_table(TableName=SETTINGS.table_name)["Table"]
    ttl = stack.dynamodb.describe_time_to_live(TableName=SETTINGS.table_name)["TimeToLiveDescription"]
    versioning = stack.s3.get_bucket_versioning(Bucket=SETTINGS.bucket_name)
    url = stack.sqs.get_queue_url(QueueName=keys.events_queue("shop"))["QueueUrl"]
    queue = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    assert {index["IndexName"] for index in told["GlobalSecondaryIndexes"]} == {
        index.name for index in INDEXES
    }
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", keys.EXPIRES_AT)
    assert versioning["Status"] == "Enabled"
    assert queue["VisibilityTimeout"] == "60"
    assert re.search(r'shop-events-dead", "maxReceiveCount": 10', queue["RedrivePolicy"])


def test_creating_a_stack_again_keeps_what_is_in_it(stack: Clients) -> None:
    Leases(stack).ensure()

    create_stack(stack)

    assert len(Leases(stack).all()) == SETTINGS.shards


def test_a_stack_may_have_any_number_of_shards() -> None:
    resources = data_plane(AwsSettings(stack="shop", shards=11))

    assert resources["ShardQueue10"]["Properties"]["QueueName"] == keys.shard_queue("shop", 10)
    assert "ShardQueue11" not in resources


def test_sam_can_translate_the_template(template: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    local_code = {**template["Globals"]["Function"], "CodeUri": "s3://bucket/code"}
    sam = {**template, "Globals": {"Function": local_code}, "Transform": "AWS::Serverless-2016-10-31"}

    translated = transform(sam, {}, _NoManagedPolicies())

    functions = {
        name for name, each in translated["Resources"].items() if each["Type"] == "AWS::Lambda::Function"
    }
    assert functions == {"ApiFunction", "EventsFunction"}


def test_cfn_lint_finds_nothing() -> None:
    linting = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), TEMPLATE],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "AWS_DEFAULT_REGION": "eu-central-1"},
    )

    assert (linting.returncode, linting.stdout) == (0, "")


class _NoManagedPolicies:
    """Stands for IAM, which the translator would ask for the ARNs of AWS's policies; we name none of them."""

    def load(self) -> dict[str, str]:
        return {}


def _key_of(described: Any) -> tuple[str, str]:
    by_kind = {part["KeyType"]: part["AttributeName"] for part in described["KeySchema"]}
    return by_kind["HASH"], by_kind["RANGE"]
