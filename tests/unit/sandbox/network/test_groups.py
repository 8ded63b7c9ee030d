"""Who is in which group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.contract.jid import Jid
from infra.sandbox.network.groups import Groups, NoSuchGroupError, NotInGroupError
from tests.unit.sandbox.network.conftest import ADA, BOB, CYD

if TYPE_CHECKING:
    from tests.unit.sandbox.network.conftest import Disk


def test_the_owner_is_a_member_and_everybody_is_one_once(disk: Disk) -> None:
    groups = Groups(disk.storage)

    group = groups.create(ADA, "Friends", [BOB, ADA, BOB])

    assert group.members == [ADA, BOB]
    assert groups.get(group.jid) is group


def test_a_group_is_given_to_its_members_only(disk: Disk) -> None:
    groups = Groups(disk.storage)
    group = groups.create(ADA, "Friends", [BOB])

    assert groups.get_for_member(group.jid, BOB) is group
    with pytest.raises(NotInGroupError, match=CYD):
        groups.get_for_member(group.jid, CYD)


@pytest.mark.parametrize("jid", [Jid("1203630", "g.us"), Jid.phone_number(ADA)])
def test_what_is_no_group_is_told_so(disk: Disk, jid: Jid) -> None:
    with pytest.raises(NoSuchGroupError, match=str(jid)):
        Groups(disk.storage).get_for_member(jid, ADA)


def test_the_groups_of_a_number_are_those_that_it_is_in(disk: Disk) -> None:
    groups = Groups(disk.storage)
    with_bob, alone = groups.create(ADA, "Friends", [BOB]), groups.create(ADA, "Notes", [])

    assert (groups.of(ADA), groups.of(BOB), groups.of(CYD)) == ([with_bob, alone], [with_bob], [])


def test_a_group_is_as_it_was_after_a_restart(disk: Disk) -> None:
    groups = Groups(disk.storage)
    group = groups.create(ADA, "Friends", [BOB])
    group.subject = "Good friends"
    groups.changed(group)

    again = Groups(disk.restart())

    assert list(again) == [group]
    assert again.get(group.jid).subject == "Good friends"
