"""An API on a stack in moto: a new one for every test, of its own name."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from control_plane.api_keys.bootstrap import bootstrap_admin_key
from infra.aws.api_keys import ApiKeys
from infra.aws.clients import AwsSettings, Clients
from infra.contract.clock import SystemClock
from infra.local.stack import create_stack
from tests.api.gateway import Gateway
from tests.moto_aws import moto_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBERS = itertools.count()
ADMIN_SECRET = "roost_the-first-key-of-all-in-these-tests"  # noqa: S105  it opens nothing


@pytest.fixture(scope="session")
def _aws() -> Iterator[None]:
    with moto_aws():
        yield


@pytest.fixture
def clients(_aws: None) -> Clients:
    """The clients of an empty stack with two shards."""
    return _new_stack()


@pytest.fixture
def gateway(clients: Clients) -> Gateway:
    """An API that knows the admin key alone."""
    return _new_gateway(clients)


@pytest.fixture(scope="session")
def walked_gateway(_aws: None) -> Gateway:
    """One for all tests that walk over the routes and are refused everything."""
    return _new_gateway(_new_stack())


def _new_stack() -> Clients:
    clients = Clients(AwsSettings(stack=f"api{next(_NUMBERS)}", shards=2))
    create_stack(clients)
    return clients


def _new_gateway(clients: Clients) -> Gateway:
    bootstrap_admin_key(ApiKeys(clients), ADMIN_SECRET, SystemClock())
    return Gateway(clients, ADMIN_SECRET)
