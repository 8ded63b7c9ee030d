"""Where a session goes that starts: its old shard, or the one with fewest sessions; and what that writes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from infra.aws.records import listed
from infra.contract import keys
from infra.contract.keys import SESSIONS_BY_SHARD
from infra.contract.session import Desired, SessionStatus

if TYPE_CHECKING:
    from infra.aws.attributes import Value
    from infra.aws.table import Table
    from infra.contract.session import Session

_COUNTED = 8
"""How many shards are counted for one start, at random of those there are: the best of 8 is good enough."""


def shard_for(session: Session, table: Table, *, shards: int) -> int:
    """Choose a shard of `shards`; the index that is counted lags by a moment, and equals share by chance."""
    if session.shard is not None and session.shard < shards:
        return session.shard
    candidates = random.sample(range(shards), min(shards, _COUNTED))
    return min(candidates, key=lambda shard: table.count(SESSIONS_BY_SHARD, keys.shard_partition(shard)))


def start_on(shard: int, session: Session) -> dict[str, Value | None]:
    """Write what changes when a session is started on a shard."""
    return {
        "desired": Desired.RUNNING,
        "status": SessionStatus.STARTING,
        "reconnect_attempts": 0,
        "retry_at": None,
        "restriction": None,
        "shard": shard,
        # fences are counted per shard: another shard's may begin lower
        "fence": session.fence if shard == session.shard else 0,
        **listed(SESSIONS_BY_SHARD, keys.shard_partition(shard), session.id),
    }


def stop() -> dict[str, Value | None]:
    """Write what changes when a session is stopped, wherever it is: no connector looks for it any more."""
    return {
        "desired": Desired.STOPPED,
        "status": SessionStatus.STOPPED,
        "retry_at": None,
        "link_offer": None,
        SESSIONS_BY_SHARD.partition: None,
        SESSIONS_BY_SHARD.sort: None,
    }
