"""A disk that the network's memory is kept on, and that it can be read back from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.sandbox.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADA = "14155550100"
BOB = "14155550101"
CYD = "14155550102"


class Disk:
    """One file, and the storage that has it open."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.storage = Storage(file)

    def restart(self) -> Storage:
        """Close the file and open it again, as a sandbox does that stops and starts."""
        self.storage.close()
        self.storage = Storage(self._file)
        return self.storage


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """An empty disk."""
    disk = Disk(tmp_path / "sandbox.db")
    yield disk
    disk.storage.close()
