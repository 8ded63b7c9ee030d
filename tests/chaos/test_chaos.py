"""The short form of `make chaos`: few sessions, and the faults that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.local.folder import DataFolder
from tests.chaos.accounting import table
from tests.chaos.faults import SHORT
from tests.chaos.run import chaos
from tests.chaos.stage import Size

if TYPE_CHECKING:
    from pathlib import Path

_SEED = 4
_SIZE = Size(
    connectors=2,
    sessions=6,
    contacts=2,
    devices_per_host=2,
    seconds_between_texts=2.0,
    lease_seconds=6.0,
    renew_seconds=2.0,
)


@pytest.mark.timeout(300)
async def test_no_fault_loses_or_doubles_an_accepted_message_or_needs_a_qr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    account = await chaos(DataFolder(tmp_path / "data"), _SIZE, SHORT, seed=_SEED, tell=print)

    print(*table(account.rows), sep="\n")  # noqa: T201 - shown when it fails
    assert account.breaches == []
