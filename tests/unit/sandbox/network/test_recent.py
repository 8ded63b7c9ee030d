"""Which message ids are taken for a repetition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network.recent import REMEMBERED, RecentIds

if TYPE_CHECKING:
    from tests.unit.sandbox.network.conftest import Disk


def test_an_id_is_new_once_for_each_device(disk: Disk) -> None:
    recent = RecentIds(disk.storage)

    answers = [recent.is_new(device, "A") for device in ("ada:1", "ada:1", "ada:2", "bob:1", "ada:1")]

    assert answers == [True, False, True, True, False]


def test_only_the_oldest_ids_are_forgotten(disk: Disk) -> None:
    recent = RecentIds(disk.storage)

    for number in range(REMEMBERED + 1):
        assert recent.is_new("ada:1", str(number))

    assert not recent.is_new("ada:1", "1")
    assert recent.is_new("ada:1", "0")


def test_ids_are_remembered_over_a_restart(disk: Disk) -> None:
    RecentIds(disk.storage).is_new("ada:1", "A")

    recent = RecentIds(disk.restart())

    assert not recent.is_new("ada:1", "A")
    assert recent.is_new("ada:1", "B")


def test_the_ids_of_an_unlinked_device_are_forgotten_for_good(disk: Disk) -> None:
    recent = RecentIds(disk.storage)
    recent.is_new("ada:1", "A")
    recent.forget("ada:1")
    recent.forget("ada:2")

    assert RecentIds(disk.restart()).is_new("ada:1", "A")
