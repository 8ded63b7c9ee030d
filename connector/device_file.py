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


class UnreadableError(Exception):
    """This is not a database of a linked device, or not a whole one."""


def snapshot(database: Path) -> bytes:
    """Copy a database as it is at one moment, compressed; raises UnreadableError if it is damaged."""
    with (
        _readable(),
        _opened(database) as source,
        contextlib.closing(sqlite3.connect(":memory:")) as copy,
    ):
        source.backup(copy)
        _check(copy)
        return zstandard.compress(copy.serialize())


def restore(blob: bytes, database: Path) -> None:
    """Put a snapshot in a database's place; raises UnreadableError, and then leaves what was there."""
    fresh = database.with_suffix(".new")
    remove(fresh)
    fresh.touch(mode=0o600)
    try:
        fresh.write_bytes(zstandard.decompress(blob))
        with _readable(), contextlib.closing(sqlite3.connect(fresh)) as restored:
            restored.execute("PRAGMA journal_mode = DELETE")
            _check(restored)
            _check_linked(restored)
    except (zstandard.ZstdError, UnreadableError) as error:
        remove(fresh)
        raise UnreadableError(str(error)) from error
    remove(database)
    fresh.replace(database)


def is_sound(database: Path) -> bool:
    """Tell whether this is a whole database of a linked device."""
    try:
        with _readable(), _opened(database) as opened:
            _check(opened)
            _check_linked(opened)
    except UnreadableError:
        return False
    return True


def remove(database: Path) -> None:
    """Delete a database with all that SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)


def remove_untouched(folder: Path, *, since: float) -> list[str]:
    """Delete what nobody has written to since then (seconds since 1970) with all of its kind; give the names.

    Keys should not lie about on the disk of a machine that serves their sessions no longer.
    """
    latest: dict[str, float] = {}
    files = [file for file in folder.iterdir() if file.is_file()]
    for file in files:
        latest[_name(file)] = max(latest.get(_name(file), 0.0), file.stat().st_mtime)
    for file in files:
        if latest[_name(file)] < since:
            file.unlink()
    return sorted(name for name, at in latest.items() if at < since)


def is_linked(database: Path) -> bool:
    """Tell whether a phone has linked the device of this database."""
    if not database.exists():
        return False
    with _opened(database) as opened:
        return _has_device(opened)


def wa_ids(database: Path, secret: bytes) -> list[str]:
    """Give WhatsApp's ids of the attempts to send the message of this secret; none: it never left."""
    with _opened(database) as opened:
        rows = opened.execute("SELECT message_id FROM whatsmeow_message_secrets WHERE key = ?", (secret,))
        return [str(message_id) for (message_id,) in rows]


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Raise UnreadableError for what is wrong with a database, but not for what is wrong with the disk."""
    try:
        yield
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise UnreadableError(str(error)) from error


def _check(opened: sqlite3.Connection) -> None:
    [(verdict,)] = opened.execute("PRAGMA quick_check(1)").fetchall()
    if verdict != "ok":
        raise UnreadableError(f"it is damaged: {verdict}")


def _check_linked(opened: sqlite3.Connection) -> None:
    if not _has_device(opened):
        raise UnreadableError("it holds no linked device")


def _has_device(opened: sqlite3.Connection) -> bool:
    with contextlib.suppress(sqlite3.OperationalError):
        return opened.execute("SELECT 1 FROM whatsmeow_device WHERE jid <> ''").fetchone() is not None
    return False  # the device was never even started


@contextlib.contextmanager
def _opened(database: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=10)) as opened:
        yield opened


def _name(file: Path) -> str:
    """Give the session whose file this is: ids have no dots."""
    return file.name.partition(".")[0]
