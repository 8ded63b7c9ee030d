"""What can go wrong with AWS itself, and the one place where boto3's exceptions are translated.

AwsError
├── ThrottledError      too much at once, after boto3's own retries: try again later
├── UnreachableError    no answer: the network, the endpoint or AWS is down: try again later
├── ForbiddenError      AWS does not let these credentials do it: a permission is missing
├── StackMissingError   no such table, queue or bucket: the stack was not created, or has another name
└── UnexpectedAwsError  anything else: a bug of ours, or of theirs
LostError               another connector wrote in the meantime: the lease is lost, stop the device

A failed condition is none of these: it is an answer of the verb that set it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError  # noqa: A004

if TYPE_CHECKING:
    from collections.abc import Iterator


class AwsError(Exception):
    """AWS did not do what was asked."""


class ThrottledError(AwsError):
    """AWS is asked too much at once; try again later."""


class UnreachableError(AwsError):
    """AWS does not answer; try again later."""


class ForbiddenError(AwsError):
    """AWS does not let these credentials do this."""


class StackMissingError(AwsError):
    """The table, bucket or queue does not exist: create the stack, or name the right one in ROOST_STACK."""


class UnexpectedAwsError(AwsError):
    """AWS refused in a way that Roost does not expect."""


class LostError(Exception):
    """Another connector wrote in the meantime: the lease is lost."""


_KINDS: dict[str, type[AwsError]] = {
    "ThrottlingException": ThrottledError,
    "Throttling": ThrottledError,
    "ProvisionedThroughputExceededException": ThrottledError,
    "RequestLimitExceeded": ThrottledError,
    "RequestThrottled": ThrottledError,
    "TransactionConflictException": ThrottledError,
    "TransactionCanceledException": ThrottledError,  # what is left of it once conditions were looked at
    "TransactionInProgressException": ThrottledError,
    "SlowDown": ThrottledError,
    "InternalServerError": UnreachableError,
    "InternalError": UnreachableError,
    "ServiceUnavailable": UnreachableError,
    "503": UnreachableError,
    "AccessDenied": ForbiddenError,
    "AccessDeniedException": ForbiddenError,
    "UnrecognizedClientException": ForbiddenError,
    "ExpiredTokenException": ForbiddenError,
    "InvalidClientTokenId": ForbiddenError,
    "ResourceNotFoundException": StackMissingError,
    "NoSuchBucket": StackMissingError,
    "QueueDoesNotExist": StackMissingError,
    "AWS.SimpleQueueService.NonExistentQueue": StackMissingError,
}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise boto3's errors as ours; conditions must be caught inside."""
    try:
        yield
    except ClientError as error:
        kind = _KINDS.get(code_of(error), UnexpectedAwsError)
        raise kind(f"{error.operation_name}: {code_of(error)}") from error
    except (ConnectionError, HTTPClientError) as error:
        raise UnreachableError(str(error)) from error
    except BotoCoreError as error:
        raise UnexpectedAwsError(str(error)) from error


def code_of(error: ClientError) -> str:
    """Give AWS's code of an error, such as ConditionalCheckFailedException."""
    return error.response.get("Error", {}).get("Code", "")
