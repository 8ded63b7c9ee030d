"""Creates the data plane of template.yaml at any endpoint: moto, MiniStack or another emulator.

AWS itself gets the same file from CloudFormation. What only matters there (encryption, backups, lifecycles,
policies, functions) is left out here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.aws.clients import LOCAL_ACCOUNT
from infra.aws.errors import code_of, translated
from infra.local.template import TemplateError, read_template, replaced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.aws.clients import AwsSettings, Clients

_TABLE = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
_QUEUE = ("VisibilityTimeout", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds")


def create_stack(clients: Clients) -> None:
    """Create the table, the bucket and the queues that the clients' settings name, unless they are there.

    Queues that are there get the template's numbers. Raises AwsError, and TemplateError.
    """
    resources = data_plane(clients.settings)
    with translated():
        for table in _of_type(resources, "AWS::DynamoDB::Table").values():
            _create_table(clients, table)
        for bucket in _of_type(resources, "AWS::S3::Bucket").values():
            _create_bucket(clients, bucket)
        _create_queues(clients, _of_type(resources, "AWS::SQS::Queue"))


def data_plane(settings: AwsSettings) -> dict[str, Any]:
    """Give the template's resources for a stack of this name with so many shards, names filled in."""
    template = read_template(parameters={"Shards": [str(shard) for shard in range(settings.shards)]})
    variables = {
        "AWS::StackName": settings.stack,
        "AWS::Region": settings.region,
        "AWS::AccountId": LOCAL_ACCOUNT,
        "AWS::Partition": "aws",
    }
    resources: dict[str, Any] = replaced(template["Resources"], variables)
    return resources


def _of_type(resources: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def _create_table(clients: Clients, table: Mapping[str, Any]) -> None:
    name = table["TableName"]
    try:
        clients.dynamodb.create_table(TableName=name, **{part: table[part] for part in _TABLE})
    except ClientError as error:
        if code_of(error) != "ResourceInUseException":
            raise
    clients.dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    ttl = clients.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if ttl.get("TimeToLiveStatus") != "ENABLED":
        clients.dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification=table["TimeToLiveSpecification"]
        )


def _create_bucket(clients: Clients, bucket: Mapping[str, Any]) -> None:
    name = clients.settings.bucket_name
    elsewhere: Any = {"CreateBucketConfiguration": {"LocationConstraint": clients.settings.region}}
    try:
        clients.s3.create_bucket(Bucket=name, **({} if clients.settings.region == "us-east-1" else elsewhere))
    except ClientError as error:
        if code_of(error) != "BucketAlreadyOwnedByYou":
            raise
    clients.s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=bucket["VersioningConfiguration"])


def _create_queues(clients: Clients, queues: Mapping[str, Any]) -> None:
    arns: dict[str, str] = {}
    for name in sorted(queues, key=lambda name: "RedrivePolicy" in queues[name]):  # their targets first
        queue = queues[name]
        attributes = {attribute: str(queue[attribute]) for attribute in _QUEUE if attribute in queue}
        if "RedrivePolicy" in queue:
            attributes["RedrivePolicy"] = json.dumps(_redrive(queue["RedrivePolicy"], arns))
        url = clients.sqs.create_queue(QueueName=queue["QueueName"])["QueueUrl"]
        clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)  # type: ignore[arg-type]
        told = clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arns[name] = told["Attributes"]["QueueArn"]


def _redrive(policy: Mapping[str, Any], arns: Mapping[str, str]) -> dict[str, Any]:
    match policy["deadLetterTargetArn"]:
        case {"Fn::GetAtt": [str(target), "Arn"]} if target in arns:
            return {**policy, "deadLetterTargetArn": arns[target]}
        case other:
            raise TemplateError(f"a dead-letter queue must be named by !GetAtt ….Arn, not {other}")
