"""What concerns more than one phone: groups, faults, and the counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litestar import delete, get, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.params import JSONBody  # noqa: TC002

from infra.sandbox.control.problems import BadFieldError, blamed_on
from infra.sandbox.control.shapes import GroupView, NewFault, NewGroup
from infra.sandbox.network import group_iq, strikes
from infra.sandbox.network.faults import Fault, FaultKind
from infra.sandbox.network.network import Network  # noqa: TC001
from infra.sandbox.network.stats import Stats  # noqa: TC001

if TYPE_CHECKING:
    from infra.sandbox.network.groups import Group


@post("/groups", summary="Found a group")
async def found_group(data: JSONBody[NewGroup], network: NamedDependency[Network]) -> GroupView:
    """Members with linked devices are told."""
    with blamed_on("owner"):
        network.directory.get(data.owner)
    with blamed_on("members"):
        for number in data.members:
            network.directory.get(number)
    group = network.groups.create(data.owner, data.subject, data.members)
    group_iq.announce_creation(network, group, to=group.members)
    return _view(group)


@get("/groups", summary="List the groups")
async def list_groups(network: NamedDependency[Network]) -> list[GroupView]:
    """All groups, whoever founded them."""
    return [_view(group) for group in network.groups]


@post("/faults", status_code=202, summary="Let something go wrong")
async def order_fault(data: JSONBody[NewFault], network: NamedDependency[Network]) -> None:
    """At once where it can happen at once, else when its time comes."""
    if data.number is None and data.kind not in strikes.FOR_EVERYBODY:
        raise BadFieldError("number", f"{data.kind} needs a number")
    if data.seconds is None and data.kind is FaultKind.SLOW_ACK:
        raise BadFieldError("seconds", "slow-ack needs seconds: how late an acknowledgement comes")
    strikes.order(network, Fault(data.number, data.kind, data.count, data.seconds))


@delete("/faults", summary="Take back all faults")
async def clear_faults(network: NamedDependency[Network]) -> None:
    """Those that stand; what happened has happened."""
    network.faults.clear()


@get("/stats", summary="Read the counters")
async def stats(network: NamedDependency[Network]) -> Stats:
    """Since the sandbox started."""
    return network.stats


def _view(group: Group) -> GroupView:
    return GroupView(str(group.jid), group.owner, group.subject, group.members)


HANDLERS = [found_group, list_groups, order_fault, clear_faults, stats]
