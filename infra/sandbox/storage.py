"""The sandbox's persistence: live objects in memory, and an SQLite file that shows one moment of all of them.

Objects are marked when they change and encoded when they are flushed, all in the same step of the event
loop, so a hundred changes between two flushes cost one write. A thread of its own writes them in one
transaction. A crash loses at most the last interval, never half of it. The errors:

    StorageError
    ├── StorageInUseError
    ├── StorageVersionError
    └── StorageDamagedError
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

VERSION = 1
FLUSH_INTERVAL = timedelta(seconds=0.25)

_SCHEMA = f"""
BEGIN;
CREATE TABLE records (kind TEXT, key TEXT, value BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE INDEX deleted ON records (kind) WHERE value IS NULL;
PRAGMA user_version = {VERSION};
COMMIT;
"""
_REPLACE = "REPLACE INTO records VALUES "

# The writing thread asks for Python's lock once per statement, and a busy event loop lets it wait each time.
_ROWS_PER_STATEMENT = 200

_Key = tuple[str, str]
_Row = tuple[str, str, bytes | None]

T = TypeVar("T", bound=msgspec.Struct)
R = TypeVar("R")
P = ParamSpec("P")

_log = logging.getLogger(__name__)


class StorageError(Exception):
    """The sandbox's file cannot be used."""


class StorageInUseError(StorageError):
    """Another sandbox has this file open."""


class StorageVersionError(StorageError):
    """The file was written by another version of the sandbox, or by another program."""


class StorageDamagedError(StorageError):
    """The file is not a database, or a record in it cannot be read."""


class Storage:
    """The records of one file, held by one process at a time; raises StorageError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_name(path.name + ".lock"))
        self._encoder = msgspec.msgpack.Encoder()
        # What to write at the next flush; None stands for a record to delete.
        self._dirty: dict[_Key, msgspec.Struct | None] = {}
        self._flushing = asyncio.Lock()
        # The connection belongs to this thread, which also puts the writes in order.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="storage")
        try:
            self._connection = self._on_thread(_open, path)
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def load(self, kind: str, record_type: type[T]) -> dict[str, T]:
        """Give all records of a kind as they were last flushed, by key. Blocks: for the start."""
        decoder = msgspec.msgpack.Decoder(record_type)
        try:
            rows = self._on_thread(self._rows, kind)
            return {key: decoder.decode(value) for key, value in rows}
        except (sqlite3.DatabaseError, msgspec.DecodeError) as error:
            raise StorageDamagedError(f"a record of kind {kind!r} cannot be read: {error}") from error

    def put(self, kind: str, key: str, record: msgspec.Struct) -> None:
        """Have the record written at the next flush, as it will be then: only a reference is kept."""
        self._dirty[kind, key] = record

    def delete(self, kind: str, key: str) -> None:
        """Have the record deleted at the next flush, if there is one."""
        self._dirty[kind, key] = None

    async def flush(self) -> None:
        """Write what changed, as it is now; raises StorageError and then keeps it for the next flush."""
        async with self._flushing:
            if not self._dirty:
                return
            changed, rows = self._take()
            try:
                await asyncio.wrap_future(self._thread.submit(self._write, rows))
            except BaseException:
                self._dirty = changed | self._dirty
                raise

    async def run(self, interval: timedelta = FLUSH_INTERVAL) -> None:
        """Flush at every interval until cancelled. A failure is logged once and tried again."""
        failing = False
        while True:
            await asyncio.sleep(interval.total_seconds())
            try:
                await self.flush()
            except StorageError:
                if not failing:
                    _log.exception("storage_flush_failed", extra={"dirty_records": len(self._dirty)})
                failing = True
            else:
                failing = False

    def close(self) -> None:
        """Write what changed and let the file go, even if that raises StorageError."""
        try:
            _, rows = self._take()
            self._on_thread(self._write, rows)
        finally:
            self._on_thread(self._connection.close)
            self._release()

    def _take(self) -> tuple[dict[_Key, msgspec.Struct | None], list[_Row]]:
        rows = [
            (kind, key, None if record is None else self._encoder.encode(record))
            for (kind, key), record in self._dirty.items()
        ]
        changed, self._dirty = self._dirty, {}
        return changed, rows

    def _rows(self, kind: str) -> list[tuple[str, bytes]]:
        return self._connection.execute("SELECT key, value FROM records WHERE kind = ?", (kind,)).fetchall()

    def _write(self, rows: list[_Row]) -> None:
        try:
            with self._connection:
                for start in range(0, len(rows), _ROWS_PER_STATEMENT):
                    chunk = rows[start : start + _ROWS_PER_STATEMENT]
                    statement = _REPLACE + ", ".join(["(?, ?, ?)"] * len(chunk))
                    self._connection.execute(statement, [*chain.from_iterable(chunk)])
                self._connection.execute("DELETE FROM records WHERE value IS NULL")
        except sqlite3.Error as error:
            raise StorageError(f"cannot write: {error}") from error

    def _on_thread(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self._thread.submit(work, *args, **kwargs).result()

    def _release(self) -> None:
        self._thread.shutdown()
        os.close(self._lock)


def _lock(path: Path) -> int:
    # The kernel drops this lock with its process, however that ends.
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(lock, 20, 0).decode() or "unknown"
        os.close(lock)
        raise StorageInUseError(f"another sandbox (process {holder}) uses {path.parent}") from error
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    try:
        _prepare(connection, path)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StorageDamagedError(f"{path} cannot be opened as a database: {error}") from error
    except StorageVersionError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and version != VERSION:
        raise StorageVersionError(f"{path} has version {version}, this sandbox reads version {VERSION}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if not tables:
        connection.executescript(_SCHEMA)
