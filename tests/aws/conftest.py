"""A stack in moto, created from template.yaml: a new one for every test, of its own name."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from infra.aws.clients import AwsSettings, Clients
from infra.aws.messages import Messages
from infra.aws.outbox import Outbox
from infra.aws.sessions import Sessions
from infra.local.stack import create_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS = itertools.count()
SHARDS = 2


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def clients(_aws: None) -> Clients:
    """Give the clients of an empty stack with two shards."""
    clients = Clients(AwsSettings(stack=f"test{next(_NUMBERS)}", shards=SHARDS))
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
