"""The control API without a socket, over a network without clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from infra.sandbox.control.api import control_app
from infra.sandbox.media_store import MediaStore
from infra.sandbox.network.network import Network
from infra.sandbox.phones.phones import Phones
from infra.sandbox.storage import Storage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

ADA = "14155550100"
BOB = "14155550101"
NOBODY = "14155550199"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """An empty storage."""
    with Storage(tmp_path / "sandbox.db") as storage:
        yield storage


@pytest.fixture
def network(storage: Storage) -> Network:
    """A network that nobody is connected to."""
    return Network(storage)


@pytest.fixture
def phones(network: Network, tmp_path: Path) -> Phones:
    """Ada's and Bob's phones; no file may have more than 1000 bytes."""
    phones = Phones(network, MediaStore(tmp_path / "media", file_limit=1000))
    for number, name in ((ADA, "Ada"), (BOB, "Bob")):
        phones.buy(number, name)
    return phones


@pytest.fixture
async def api(phones: Phones, network: Network) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the control API."""
    app: Any = control_app(phones, network)  # Litestar and httpx spell ASGI's types differently
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
