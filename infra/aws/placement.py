"""Where a session goes that starts: to its old shard, or to the shard with fewest sessions."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from infra.contract import keys

if TYPE_CHECKING:
    from infra.aws.table import Table
    from infra.contract.session import Session

_COUNTED = 8
"""How many shards are counted for one start, at random of those there are: the best of 8 is good enough."""


def shard_for(session: Session, table: Table, *, shards: int) -> int:
    """Choose a shard of `shards`; the index that is counted lags by a moment, and equals share by chance."""
    if session.shard is not None and session.shard < shards:
        return session.shard
    candidates = random.sample(range(shards), min(shards, _COUNTED))
    return min(candidates, key=lambda shard: table.count(keys.SESSIONS_BY_SHARD, keys.shard_partition(shard)))
