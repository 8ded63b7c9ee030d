"""The sandbox's file: what survives, in which state, and which files are refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sqlite3
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from infra.sandbox.storage import (
    Storage,
    StorageDamagedError,
    StorageError,
    StorageInUseError,
    StorageVersionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


class Counter(msgspec.Struct):
    """A live object that changes."""

    count: int = 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sandbox.db"


@pytest.fixture
def storage(path: Path) -> Iterator[Storage]:
    with Storage(path) as storage:
        yield storage


def seen_by_others(path: Path) -> dict[str, int]:
    """Read the file as it is on disk, beside the storage that holds it."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT key, value FROM records").fetchall()
    return {key: msgspec.msgpack.decode(value, type=Counter).count for key, value in rows}


def test_records_survive_a_reopen(path: Path) -> None:
    with Storage(path) as first:
        first.put("counter", "a", Counter(1))
        first.put("other", "a", Counter(2))

    with Storage(path) as second:
        assert second.load("counter", Counter) == {"a": Counter(1)}
        assert second.load("unknown", Counter) == {}


def test_deleted_records_are_gone_after_a_reopen(path: Path) -> None:
    with Storage(path) as first:
        first.put("counter", "a", Counter(1))
        first.put("counter", "b", Counter(2))

    with Storage(path) as second:
        second.delete("counter", "a")
        second.delete("counter", "never was")

    with Storage(path) as third:
        assert third.load("counter", Counter) == {"b": Counter(2)}


async def test_a_record_is_written_as_it_is_at_the_flush(storage: Storage, path: Path) -> None:
    counter = Counter()

    for _ in range(100):
        counter.count += 1
        storage.put("counter", "a", counter)
    await storage.flush()
    counter.count += 1

    assert seen_by_others(path) == {"a": 100}


async def test_nothing_is_written_before_the_flush(storage: Storage, path: Path) -> None:
    storage.put("counter", "a", Counter(1))

    assert seen_by_others(path) == {}


async def test_the_last_word_on_a_record_counts(storage: Storage, path: Path) -> None:
    storage.put("counter", "put, then deleted", Counter(1))
    storage.delete("counter", "put, then deleted")
    storage.delete("counter", "deleted, then put")
    storage.put("counter", "deleted, then put", Counter(2))

    await storage.flush()

    assert seen_by_others(path) == {"deleted, then put": 2}


async def test_more_records_than_one_statement_holds_are_written(storage: Storage, path: Path) -> None:
    for number in range(1001):
        storage.put("counter", str(number), Counter(number))
    await storage.flush()
    for number in range(1, 1001):
        storage.delete("counter", str(number))
    await storage.flush()

    assert seen_by_others(path) == {"0": 0}


async def test_running_flushes_at_every_interval(storage: Storage, path: Path) -> None:
    storage.put("counter", "a", Counter(1))

    running = asyncio.create_task(storage.run(timedelta(0)))
    async with asyncio.timeout(10):
        while not seen_by_others(path):  # noqa: ASYNC110  a file has no event
            await asyncio.sleep(0)
    running.cancel()

    assert seen_by_others(path) == {"a": 1}


async def test_what_a_cancelled_flush_held_is_written_at_the_close(path: Path) -> None:
    with Storage(path) as storage:
        storage.put("counter", "a", Counter(1))
        flushing = asyncio.create_task(storage.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.wait([flushing])

    assert seen_by_others(path) == {"a": 1}


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_reported_and_loses_nothing(storage: Storage, path: Path) -> None:
    storage.put("counter", "a", Counter(1))

    with full_disk(), pytest.raises(StorageError):
        await storage.flush()
    await storage.flush()

    assert seen_by_others(path) == {"a": 1}


async def test_a_change_after_a_failed_flush_is_not_undone(storage: Storage, path: Path) -> None:
    storage.put("counter", "a", Counter(1))
    with full_disk(), pytest.raises(StorageError):
        await storage.flush()

    storage.delete("counter", "a")
    await storage.flush()

    assert seen_by_others(path) == {}


async def test_running_logs_a_failure_once(storage: Storage, caplog: pytest.LogCaptureFixture) -> None:
    storage.put("counter", "a", Counter(1))

    with full_disk():
        running = asyncio.create_task(storage.run(timedelta(0)))
        async with asyncio.timeout(10):
            while not caplog.records:  # noqa: ASYNC110  a log has no event
                await asyncio.sleep(0)
        for _ in range(3):  # flushes take turns, so `run` fails in between
            with pytest.raises(StorageError):
                await storage.flush()
        running.cancel()
        await asyncio.wait([running])

    assert [record.message for record in caplog.records] == ["storage_flush_failed"]


def test_a_second_sandbox_is_told_who_holds_the_file(storage: Storage, path: Path) -> None:
    with pytest.raises(StorageInUseError, match=f"process {os.getpid()}"):
        Storage(path)


def test_a_file_of_another_version_is_refused_unchanged(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript("CREATE TABLE records (kind); PRAGMA user_version = 99")
    before = path.read_bytes()

    with pytest.raises(StorageVersionError, match="99"):
        Storage(path)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_damaged(path: Path) -> None:
    path.write_bytes(b"not a database, whatever it says" * 100)

    with pytest.raises(StorageDamagedError):
        Storage(path)


def test_a_refused_file_can_be_replaced_and_opened(path: Path) -> None:
    path.write_bytes(b"not a database, whatever it says" * 100)
    with pytest.raises(StorageDamagedError):
        Storage(path)

    path.unlink()

    Storage(path).close()


def test_a_record_that_cannot_be_read_is_damage(path: Path) -> None:
    with Storage(path) as storage:
        storage.put("counter", "a", Counter(1))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE records SET value = x'ff'")

    with Storage(path) as storage, pytest.raises(StorageDamagedError, match="counter"):
        storage.load("counter", Counter)


BUSY_SANDBOX = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
import msgspec
from infra.sandbox.storage import Storage

class Counter(msgspec.Struct):
    count: int = 0

async def main():
    storage = Storage(Path(sys.argv[1]))
    running = asyncio.create_task(storage.run(timedelta(0)))
    counters = [Counter() for _ in range(500)]
    while True:
        for number, counter in enumerate(counters):
            counter.count += 1
            storage.put("counter", str(number), counter)
        print(counter.count, flush=True)
        await asyncio.sleep(0)

asyncio.run(main())
"""


def test_a_killed_sandbox_leaves_one_moment_of_all_its_records(path: Path) -> None:
    command = [sys.executable, "-c", BUSY_SANDBOX, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        for line in sandbox.stdout:
            if int(line) == 300:
                sandbox.kill()
                break

    with Storage(path) as storage:
        counters = storage.load("counter", Counter)

    assert len(counters) == 500
    assert len({counter.count for counter in counters.values()}) == 1
