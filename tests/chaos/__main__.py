"""`make chaos`: every fault several times, and a table of what came of it; exit code 1 if a promise broke."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from pathlib import Path

import click

from infra.local.folder import DataFolder
from tests.chaos.accounting import table
from tests.chaos.faults import LONG
from tests.chaos.run import chaos
from tests.chaos.stage import Size

_CONTACTS = 6
_DEVICES_PER_HOST = 5
_SECONDS_BETWEEN_TEXTS = 8.0
"""With 30 sessions some 8 messages a second, both ways: what two cores carry with room to spare."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, help="How often each fault happens.")
@click.option("--sessions", default=30)
@click.option("--connectors", default=3)
@click.option("--seed", type=int, help="Another run's, to have its order and its victims again.")
@click.option("--only", default="", help="Only the faults whose name contains this.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep the logs and all data in this folder.")
def main(
    *, rounds: int, sessions: int, connectors: int, seed: int | None, only: str, keep: Path | None
) -> None:
    """Harm a running fleet in every way, and count what became of each message."""
    seed = random.randrange(10**6) if seed is None else seed
    faults = [fault for _ in range(rounds) for fault in LONG if only in fault.name]
    random.Random(seed).shuffle(faults)
    size = Size(
        connectors=connectors,
        sessions=sessions,
        contacts=_CONTACTS,
        devices_per_host=_DEVICES_PER_HOST,
        seconds_between_texts=_SECONDS_BETWEEN_TEXTS,
    )
    with tempfile.TemporaryDirectory() as path:
        folder = DataFolder((keep or Path(path)) / "data")
        account = asyncio.run(chaos(folder, size, faults, seed=seed, tell=click.echo))
    for line in (*table(account.rows), "", *account.breaches):
        click.echo(line)
    click.echo(f"{len(account.breaches)} promises broken")
    sys.exit(1 if account.breaches else 0)


if __name__ == "__main__":
    main()
