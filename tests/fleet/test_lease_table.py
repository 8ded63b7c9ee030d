"""The table in memory answers as the real adapter does, whatever is asked of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.aws.leases import Leases
from infra.contract.ids import ConnectorId
from infra.contract.leases import Lease
from tests.aws.conftest import _aws, _empty, _stack, clients
from tests.fleet.lease_table import LeaseTable

if TYPE_CHECKING:
    from infra.aws.clients import Clients

__all__ = ["_aws", "_stack", "clients"]

VERBS = st.sampled_from(["take", "renew", "release", "wish", "withdraw"])
WHO = st.sampled_from([ConnectorId("c-me"), ConnectorId("c-other")])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(VERBS, WHO, st.integers(0, 30)), max_size=20), leaving=st.booleans())
def test_both_answer_alike(
    clients: Clients, *, asked: list[tuple[str, ConnectorId, int]], leaving: bool
) -> None:
    _empty(clients)
    real, memory = Leases(clients), LeaseTable(Lease(0), Lease(1))
    real.ensure()
    seen = [Lease(0, leaving=leaving), Lease(1)]

    for verb, who, number in asked:
        lease = seen[number % len(seen)]  # as it once was, and may not be any more
        args = (lease,) if verb in ("renew", "release") else (lease, who)
        answers = [getattr(table, verb)(*args) for table in (real, memory)]
        assert answers[0] == answers[1], f"{verb} {args}"
        assert real.all() == memory.all(), f"after {verb} {args}"
        seen += real.all()
