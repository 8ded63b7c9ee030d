"""Which stack is spoken to, and the boto3 clients for it."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import boto3
import msgspec
from botocore.config import Config

from infra.contract import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LOCAL_ACCOUNT = "000000000000"
LONG_POLL = timedelta(seconds=20)
"""The longest that a receive may wait; SQS allows no more."""

_CONNECT_SECONDS = 3
_READ_SECONDS = 5
_ATTEMPTS = 4
_CONNECTIONS = 64


class AwsSettingsError(ValueError):
    """The environment names no stack that can be."""


class AwsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which stack, and where it is."""

    stack: str = "roost"
    region: str = "us-east-1"
    endpoint_url: str | None = None
    """None for AWS itself."""
    bucket: str = ""
    """Empty for the bucket of a local stack."""
    shards: int = 8

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read ROOST_STACK, _SHARDS, _BUCKET, AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL.

        Raises AwsSettingsError.
        """
        defaults = cls()
        return cls(
            stack=environ.get("ROOST_STACK", defaults.stack),
            region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or defaults.region,
            endpoint_url=environ.get("AWS_ENDPOINT_URL") or None,
            bucket=environ.get("ROOST_BUCKET", ""),
            shards=_shards(environ.get("ROOST_SHARDS") or str(defaults.shards)),
        )

    @property
    def table_name(self) -> str:
        """The name of the table."""
        return keys.table(self.stack)

    @property
    def bucket_name(self) -> str:
        """The name of the bucket."""
        return self.bucket or keys.bucket(self.stack, LOCAL_ACCOUNT)


class Clients:
    """boto3's clients for one stack, each made when it is first needed. They are shared by all threads.

    With `answer_within` a request is tried once, and given up after so long: for answers that are of no use
    later. Not for long polls.
    """

    def __init__(self, settings: AwsSettings, *, answer_within: timedelta | None = None) -> None:
        self.settings = settings
        self._answer_within = answer_within
        self._session = boto3.Session(region_name=settings.region)
        self._made: dict[str, Any] = {}
        self._making = threading.Lock()

    @property
    def dynamodb(self) -> DynamoDBClient:
        """The client of the table."""
        client: DynamoDBClient = self._client("dynamodb", _READ_SECONDS)
        return client

    @property
    def s3(self) -> S3Client:
        """The client of the bucket."""
        client: S3Client = self._client("s3", _READ_SECONDS)
        return client

    @property
    def sqs(self) -> SQSClient:
        """The client of the queues; it waits longer, for long polls."""
        client: SQSClient = self._client("sqs", _READ_SECONDS + int(LONG_POLL.total_seconds()))
        return client

    def _client(self, service: str, read_seconds: float) -> Any:
        if service not in self._made:
            with self._making:  # making one is not safe for threads; using one is
                if service not in self._made:
                    self._made[service] = self._make(service, read_seconds)
        return self._made[service]

    def _make(self, service: str, read_seconds: float) -> Any:
        connect_seconds, attempts = float(_CONNECT_SECONDS), _ATTEMPTS
        if self._answer_within is not None:
            connect_seconds = read_seconds = self._answer_within.total_seconds() / 2
            attempts = 1
        config = Config(
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            max_pool_connections=_CONNECTIONS,
            parameter_validation=False,
            user_agent="roost",
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path" if self.settings.endpoint_url else "auto"},
        )
        return self._session.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.settings.endpoint_url,
            config=config,
        )


def _shards(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise AwsSettingsError(f"ROOST_SHARDS must be a whole number from 1, not {text!r}")
    return int(text)
