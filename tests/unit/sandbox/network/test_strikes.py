"""Whose connections a fault that is ordered ends, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.sandbox.media_store import MediaStore
from infra.sandbox.network import strikes
from infra.sandbox.network.accounts import NoSuchAccountError
from infra.sandbox.network.faults import Fault, FaultKind
from infra.sandbox.network.network import Network
from infra.sandbox.phones.phones import Phones
from tests.unit.sandbox.network.conftest import ADA, BOB
from tests.unit.sandbox.network.online import Line, a_new_device, come_online

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.sandbox.network.conftest import Disk

AFTER_LOGIN = ["close", "stream-error-503", "restart-515", "replaced"]
BEFORE_LOGIN = ["offline", "temporary-ban", "client-outdated"]


@pytest.fixture
def network(disk: Disk, tmp_path: Path) -> Network:
    """A network with Ada's and Bob's phones."""
    network = Network(disk.storage)
    phones = Phones(network, MediaStore(tmp_path / "media"))
    for number in (ADA, BOB):
        phones.buy(number, number)
    return network


def online(network: Network, number: str) -> Line:
    """Bring a new device of a number online, as the entrance does."""
    login, line = come_online(network, a_new_device(network, number))
    strikes.strike_login(network, login)
    return line


@pytest.mark.parametrize("kind", [*AFTER_LOGIN, *BEFORE_LOGIN])
def test_every_device_of_the_number_is_hit_and_nobody_elses(network: Network, kind: str) -> None:
    hit, spared = [online(network, ADA), online(network, ADA)], online(network, BOB)

    strikes.order(network, Fault(ADA, FaultKind(kind)))

    assert [line.closing for line in hit] == [True, True]
    assert not spared.closing


@pytest.mark.parametrize("kind", AFTER_LOGIN)
def test_whoever_comes_after_a_fault_that_hit_is_left_in_peace(network: Network, kind: str) -> None:
    online(network, ADA)

    strikes.order(network, Fault(ADA, FaultKind(kind)))

    assert not online(network, ADA).closing


@pytest.mark.parametrize("kind", AFTER_LOGIN)
def test_a_fault_waits_for_who_is_not_online(network: Network, kind: str) -> None:
    online(network, ADA)
    strikes.order(network, Fault(ADA, FaultKind(kind)))

    strikes.order(network, Fault(ADA, FaultKind(kind)))

    assert [online(network, ADA).closing for _ in range(2)] == [True, False]


@pytest.mark.parametrize("kind", BEFORE_LOGIN)
def test_what_happens_before_a_login_stands_until_then(network: Network, kind: str) -> None:
    online(network, ADA)

    strikes.order(network, Fault(ADA, FaultKind(kind)))

    assert network.faults.use(ADA, FaultKind(kind)) is not None
    assert network.faults.use(ADA, FaultKind(kind)) is None


@pytest.mark.parametrize("kind", ["close", "offline"])
def test_without_a_number_everybody_is_hit(network: Network, kind: str) -> None:
    lines = [online(network, ADA), online(network, BOB)]

    strikes.order(network, Fault(None, FaultKind(kind)))

    assert all(line.aborted for line in lines)


@pytest.mark.parametrize("kind", ["send-error-463", "drop-ack", "drop-receipt", "slow-ack", "media-error"])
def test_a_fault_of_messages_leaves_connections_alone(network: Network, kind: str) -> None:
    line = online(network, ADA)

    strikes.order(network, Fault(ADA, FaultKind(kind)))

    assert not line.closing
    assert network.faults.use(ADA, FaultKind(kind)) is not None


def test_a_logout_unlinks_every_device_online_or_not(network: Network) -> None:
    line = online(network, ADA)
    a_new_device(network, ADA)

    strikes.order(network, Fault(ADA, FaultKind.LOGGED_OUT))

    assert line.sent[-1].get("conflict").text("type") == "device_removed"
    assert network.directory.companions(network.directory.get(ADA)) == []


@pytest.mark.parametrize("kind", list(FaultKind))
def test_a_number_that_nobody_has_is_refused(network: Network, kind: FaultKind) -> None:
    with pytest.raises(NoSuchAccountError):
        strikes.order(network, Fault("14155550199", kind))

    assert network.faults.use("14155550199", kind) is None
