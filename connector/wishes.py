"""This connector's wish for another's lease: one at most is open, and given up when nobody follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.leases import lease_to_wish_for, leases_to_yield

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from infra.contract.ids import ConnectorId
    from infra.contract.leases import Lease


class Wishes:
    """What one connector wishes for. Times are in seconds."""

    def __init__(self, me: ConnectorId, *, patience: float) -> None:
        self._me = me
        self._patience = patience
        self._deaf_until: dict[ConnectorId, float] = {}

    def to_withdraw(
        self, found: Sequence[Lease], leases: Sequence[Lease], *, live: Collection[ConnectorId], now: float
    ) -> list[Lease]:
        """Choose of the leases that were found those to wish for no longer; `leases` lack the old wishes.

        A wish goes when fairness no longer supports it, or when its holder did not follow it in time; that
        holder is then left in peace for as long.
        """
        unanswered = []
        for old, lease in zip(found, leases, strict=True):
            if old.wanted_by != self._me or old.holder is None or old.holder == self._me:
                continue
            if lease.wanted_by is None:
                self._deaf_until[old.holder] = now + self._patience
                unanswered.append(old)
            elif old.holder not in live or lease not in leases_to_yield(leases, me=old.holder, live=live):
                unanswered.append(old)
        return unanswered

    def to_make(self, leases: Sequence[Lease], *, live: Collection[ConnectorId], now: float) -> Lease | None:
        """Choose what to wish for, if nothing is wished for yet."""
        if any(lease.wanted_by == self._me for lease in leases):
            return None
        deaf = {connector for connector, until in self._deaf_until.items() if now < until}
        return lease_to_wish_for(leases, me=self._me, live=set(live) - deaf)
