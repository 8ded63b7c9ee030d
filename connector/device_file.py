"""A device's SQLite file as the supervisor reads it, while neonize in another process writes it.

It must never be opened in neonize's own process: two SQLite libraries there ignore each other's locks.
Tables: whatsmeow, `store/sqlstore/upgrades/00-latest-schema.sql`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MARK = "roost_final"


def snapshot(database: Path, *, final: bool) -> bytes:
    """Copy a database as it is at one moment, compressed; `final` says that its device is stopped."""
    with _opened(database) as source, contextlib.closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        if final:
            copy.execute(f"CREATE TABLE {_MARK} (yes INTEGER)")
        return zstandard.compress(copy.serialize())


def restore(blob: bytes, database: Path) -> bool:
    """Put a snapshot in a database's place, and tell whether it was final."""
    remove(database)
    fresh = database.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_bytes(zstandard.decompress(blob))
    with contextlib.closing(sqlite3.connect(fresh)) as restored:
        final = bool(restored.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_MARK,)).fetchone())
        restored.execute(f"DROP TABLE IF EXISTS {_MARK}")
        restored.execute("PRAGMA journal_mode = DELETE")
        restored.commit()
    fresh.replace(database)
    return final


def remove(database: Path) -> None:
    """Delete a database with all that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def is_linked(database: Path) -> bool:
    """Tell whether a phone has linked the device of this database."""
    if not database.exists():
        return False
    with _opened(database) as opened, contextlib.suppress(sqlite3.OperationalError):
        return opened.execute("SELECT 1 FROM whatsmeow_device WHERE jid <> ''").fetchone() is not None
    return False  # the device was never even started


def wa_ids(database: Path, secret: bytes) -> list[str]:
    """Give WhatsApp's ids of the attempts to send the message of this secret; none: it never left."""
    with _opened(database) as opened:
        rows = opened.execute("SELECT message_id FROM whatsmeow_message_secrets WHERE key = ?", (secret,))
        return [str(message_id) for (message_id,) in rows]


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as opened:
        yield opened
