"""The route that shows the connectors, and which shards each of them serves."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from litestar import Router, get
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag
from msgspec import Meta, Struct

from control_plane.answers import may_answer
from control_plane.auth import needs
from infra.aws.connectors import Connectors  # noqa: TC001
from infra.aws.leases import Leases  # noqa: TC001
from infra.contract.api_keys import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from infra.contract.leases import ConnectorRecord, Lease

TAG = Tag("Connectors", "The running containers that hold the WhatsApp sockets.")


class ConnectorView(Struct):
    """A connector, as it told of itself last."""

    id: Annotated[str, Meta(examples=["c-5f1d0e9ab2c4"])]
    host: str
    pid: int
    version: str
    started_at: datetime
    last_beat_at: Annotated[datetime, Meta(description="long ago: it has died, or cannot reach the table")]
    shards: Annotated[list[int], Meta(description="the shards that it serves", examples=[[0, 3]])]
    sessions: Annotated[int, Meta(description="how many it runs")]


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
    connectors: NamedDependency[Connectors], leases: NamedDependency[Leases]
) -> ConnectorList:
    """Who holds the sockets now, and what nobody holds."""
    return _view(connectors.list(), leases.all())


def _view(records: Iterable[ConnectorRecord], leases: Sequence[Lease]) -> ConnectorList:
    shards: dict[str | None, list[int]] = defaultdict(list)
    for lease in leases:
        shards[lease.holder].append(lease.shard)
    items = [
        ConnectorView(
            id=record.id,
            host=record.host,
            pid=record.pid,
            version=record.version,
            started_at=record.started_at,
            last_beat_at=record.seen_at,
            shards=shards[record.id],
            sessions=record.sessions,
        )
        for record in records
    ]
    return ConnectorList(items, shards[None])


router = Router("/", tags=[TAG.name], route_handlers=[list_connectors])
