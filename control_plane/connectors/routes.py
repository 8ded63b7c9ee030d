"""The routes that show the connectors, and who serves which shard."""

from __future__ import annotations

import enum
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from litestar import Router, get
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag
from msgspec import Meta, Struct

from control_plane.answers import may_answer
from control_plane.auth import needs
from infra.aws.connectors import Connectors  # noqa: TC001
from infra.aws.leases import Leases  # noqa: TC001
from infra.aws.sessions import Sessions  # noqa: TC001
from infra.contract.api_keys import Scope
from infra.contract.clock import Clock  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.contract.leases import ConnectorRecord, Lease

TAG = Tag("Connectors", "The running containers that hold the WhatsApp sockets.")


_GONE_AFTER = timedelta(seconds=30)
"""A connector tells of itself every 10 s."""


class ConnectorState(enum.Enum):
    """How a connector does."""

    LIVE = "live"
    DRAINING = "draining"
    GONE = "gone"


class ConnectorView(Struct):
    """A connector, as it told of itself last."""

    id: Annotated[str, Meta(examples=["c-5f1d0e9ab2c4"])]
    host: str
    pid: int
    version: str
    state: Annotated[
        ConnectorState,
        Meta(
            description="`gone`: silent for 30 s, so it has died or cannot reach the table; "
            "an hour later it is forgotten"
        ),
    ]
    started_at: datetime
    last_beat_at: Annotated[datetime, Meta(description="when it told of itself last")]
    shards: Annotated[list[int], Meta(description="the shards that it serves", examples=[[0, 3]])]
    sessions: Annotated[int, Meta(description="how many it runs")]


class ShardView(Struct):
    """A shard: the sessions that move between connectors together."""

    shard: int
    connector: Annotated[str | None, Meta(description="who holds its lease; none: it is free")]
    fence: Annotated[int, Meta(description="how often it was handed over")]
    sessions: Annotated[int, Meta(description="how many are to run; it may lag by a moment")]


class ShardList(Struct):
    """All shards of the stack, by number."""

    items: list[ShardView]


class ConnectorList(Struct):
    """All connectors, the oldest first."""

    items: list[ConnectorView]
    free_shards: Annotated[list[int], Meta(description="shards that nobody serves")]


@get(
    "/v1/connectors",
    summary="List connectors",
    opt=needs(Scope.ADMIN),
    responses=may_answer(),
    sync_to_thread=True,
)
def list_connectors(
    connectors: NamedDependency[Connectors], leases: NamedDependency[Leases], clock: NamedDependency[Clock]
) -> ConnectorList:
    """Who holds the sockets now, and what nobody holds."""
    now = clock.now()
    return _view(connectors.list(now), leases.all(), now)


@get(
    "/v1/shards",
    summary="List shards",
    opt=needs(Scope.ADMIN),
    responses=may_answer(),
    sync_to_thread=True,
)
def list_shards(leases: NamedDependency[Leases], stored_sessions: NamedDependency[Sessions]) -> ShardList:
    """Who serves each shard, and how many sessions it has."""
    return ShardList(
        [
            ShardView(lease.shard, lease.holder, lease.fence, stored_sessions.count_of_shard(lease.shard))
            for lease in leases.all()
        ]
    )


def _view(records: Iterable[ConnectorRecord], leases: Sequence[Lease], now: datetime) -> ConnectorList:
    shards: dict[str | None, list[int]] = defaultdict(list)
    for lease in leases:
        shards[lease.holder].append(lease.shard)
    items = [
        ConnectorView(
            id=record.id,
            host=record.host,
            pid=record.pid,
            version=record.version,
            state=_state(record, now),
            started_at=record.started_at,
            last_beat_at=record.seen_at,
            shards=shards[record.id],
            sessions=record.sessions,
        )
        for record in records
    ]
    return ConnectorList(items, shards[None])


def _state(record: ConnectorRecord, now: datetime) -> ConnectorState:
    if now - record.seen_at > _GONE_AFTER:
        return ConnectorState.GONE
    return ConnectorState.DRAINING if record.draining else ConnectorState.LIVE


router = Router("/", tags=[TAG.name], route_handlers=[list_connectors, list_shards])
