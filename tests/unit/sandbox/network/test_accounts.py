"""Accounts, their devices, and prekeys that are given out once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.contract.jid import Jid
from infra.sandbox.network.accounts import AccountExistsError, Directory, NoSuchAccountError
from tests.unit.sandbox.linked_devices import a_linked_device
from tests.unit.sandbox.network.conftest import ADA, BOB

if TYPE_CHECKING:
    from tests.unit.sandbox.network.conftest import Disk


def test_an_account_is_found_by_its_number_and_by_both_addresses(disk: Disk) -> None:
    directory = Directory(disk.storage)
    ada = directory.create(ADA, "Ada")

    found = [directory.find(jid) for jid in (ada.pn, ada.lid, ada.pn.with_device(3), ada.lid.with_device(3))]

    assert found == [ada] * 4
    assert directory.get(ADA) is ada


def test_a_number_is_given_once(disk: Disk) -> None:
    directory = Directory(disk.storage)
    directory.create(ADA, "Ada")

    with pytest.raises(AccountExistsError, match=ADA):
        directory.create(ADA, "Another Ada")


def test_a_number_that_nobody_has_is_not_on_whatsapp(disk: Disk) -> None:
    directory = Directory(disk.storage)
    ada = directory.create(ADA, "Ada")

    with pytest.raises(NoSuchAccountError, match=BOB):
        directory.get(BOB)
    assert directory.find(Jid.phone_number(BOB)) is None
    assert directory.find(Jid.lid(ADA)) is None
    assert directory.find(Jid(ADA, "g.us")) is None
    assert directory.find(Jid.phone_number(ada.lid_user)) is None


def test_a_device_number_is_never_given_twice(disk: Disk) -> None:
    directory = Directory(disk.storage)
    ada = directory.create(ADA, "Ada")
    first = a_linked_device(ADA, directory.reserve_device(ada))
    directory.link(first)
    directory.unlink(first)

    later = directory.reserve_device(ada)
    directory = Directory(disk.restart())
    after_a_restart = directory.reserve_device(directory.get(ADA))

    assert (first.device, later, after_a_restart) == (1, 2, 3)


def test_the_phone_comes_first_and_companions_in_the_order_of_linking(disk: Disk) -> None:
    directory = Directory(disk.storage)
    ada = directory.create(ADA, "Ada")
    for number in range(1, 13):
        directory.link(a_linked_device(ADA, number))

    again = Directory(disk.restart())

    expected = [ada.lid, *(ada.lid.with_device(number) for number in range(1, 13))]
    assert directory.devices(ada) == expected
    assert again.devices(again.get(ADA)) == expected
    assert [device.device for device in again.companions(again.get(ADA))] == list(range(1, 13))


def test_an_unlinked_device_is_gone_for_good_and_so_are_its_prekeys(disk: Disk) -> None:
    directory = Directory(disk.storage)
    ada = directory.create(ADA, "Ada")
    device = a_linked_device(ADA)
    directory.link(device)
    directory.stock(device, {1: bytes(32)})

    directory.unlink(device)
    directory.unlink(device)

    again = Directory(disk.restart())
    assert directory.companion(ada, 1) is None
    assert again.companion(again.get(ADA), 1) is None
    assert again.take_bundle(device).prekey is None


def test_a_one_time_prekey_is_given_to_one_taker_only(disk: Disk) -> None:
    directory = Directory(disk.storage)
    directory.create(ADA, "Ada")
    device = a_linked_device(ADA)
    directory.link(device)
    directory.stock(device, {7: b"\7" * 32, 8: b"\x08" * 32})

    first = directory.take_bundle(device)
    directory = Directory(disk.restart())
    (device,) = directory.companions(directory.get(ADA))
    others = [directory.take_bundle(device) for _ in range(2)]

    taken = [(bundle.prekey_id, bundle.prekey) for bundle in (first, *others)]
    assert taken == [(7, b"\7" * 32), (8, b"\x08" * 32), (None, None)]
    assert {bundle.signed_prekey for bundle in (first, *others)} == {device.signed_prekey.public}


def test_uploaded_prekeys_are_added_to_those_that_are_left(disk: Disk) -> None:
    directory = Directory(disk.storage)
    device = a_linked_device(ADA)

    directory.stock(device, {1: bytes(32), 2: bytes(32)})
    directory.take_bundle(device)
    directory.stock(device, {3: bytes(32)})

    assert list(directory.shelf(device).keys) == [2, 3]
