"""The routes that a load balancer asks; they need no key and tell nothing of anybody."""

from __future__ import annotations

from typing import Literal

from litestar import Router, get
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag
from msgspec import Struct

from control_plane.answers import may_answer_without_key
from infra.aws.leases import Leases  # noqa: TC001

TAG = Tag("Health", "For load balancers; no key is needed.")


class Health(Struct):
    """The process lives."""

    status: Literal["ok"] = "ok"


class Readiness(Struct):
    """What requests stand on answers, too."""

    table: Literal["ok"] = "ok"


@get("/health", summary="Tell whether the process lives", responses=may_answer_without_key(), security=[{}])
async def health() -> Health:
    """Asks nobody else."""
    return Health()


@get(
    "/ready",
    summary="Tell whether requests can be served",
    responses=may_answer_without_key(),
    security=[{}],
    sync_to_thread=True,
)
def ready(leases: NamedDependency[Leases]) -> Readiness:
    """Reads the table, on which every promise rests: a queue that is down delays, and loses nothing."""
    leases.all()
    return Readiness()


router = Router("/", tags=[TAG.name], route_handlers=[health, ready])
