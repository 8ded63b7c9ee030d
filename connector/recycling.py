"""Which device host is to be emptied: one that has grown too large, or too small to be worth its memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from connector.suspects import QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

SETTLED = QUIET
"""A host younger than these seconds is left as it is: what is too large at its start would be so again."""
_SMALL = 4
"""A host with no more than this part of its capacity is small."""


class HostState(NamedTuple):
    """A host as it is seen from outside."""

    devices: int
    age: float
    memory: int | None
    """Resident bytes; None when unknown."""
    is_suspected: bool
    """Whether a device is in it that may make it die: it must not get company."""


def to_empty(hosts: Sequence[HostState], *, capacity: int, ceiling: int) -> int | None:
    """Give the index of the host whose devices should move now; None for none. One at a time is enough."""
    settled = [index for index, host in enumerate(hosts) if host.devices and host.age >= SETTLED]
    for index in settled:
        if (hosts[index].memory or 0) > ceiling:
            return index
    small = [index for index in settled if hosts[index].devices <= capacity // _SMALL]
    for index in sorted(small, key=lambda index: hosts[index].devices):
        if not hosts[index].is_suspected and _room_beside(index, hosts, capacity) >= hosts[index].devices:
            return index
    return None


def _room_beside(index: int, hosts: Sequence[HostState], capacity: int) -> int:
    return sum(
        capacity - host.devices
        for other, host in enumerate(hosts)
        if other != index and host.devices and not host.is_suspected
    )
