"""Groups: who is in them, and how the server tells of them (whatsmeow, group.go)."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from infra.contract.jid import GROUP_SERVER, Jid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.sandbox.storage import Storage


class NoSuchGroupError(LookupError):
    """There is no group with this address."""


class NotInGroupError(LookupError):
    """The account is not a member of this group."""


class Group(msgspec.Struct):
    """One group. `members` are numbers; the owner is one of them, and the only admin."""

    id: str
    owner: str
    subject: str
    members: list[str]
    created_at: int
    invite_code: str

    @property
    def jid(self) -> Jid:
        """The group's address."""
        return Jid(self.id, GROUP_SERVER)


class Groups:
    """All groups; kept in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._groups = storage.load("group", Group)

    def __iter__(self) -> Iterator[Group]:
        """Give every group."""
        return iter(self._groups.values())

    def create(self, owner: str, subject: str, members: Iterable[str]) -> Group:
        """Found a group; the owner is a member whether named or not."""
        group = Group(
            id=f"1203630{secrets.randbelow(10**11):011d}",
            owner=owner,
            subject=subject,
            members=list(dict.fromkeys([owner, *members])),
            created_at=int(time.time()),
            invite_code=secrets.token_urlsafe(16),
        )
        self._groups[group.id] = group
        self.changed(group)
        return group

    def get(self, jid: Jid) -> Group:
        """Give a group; raises NoSuchGroupError."""
        if jid.server != GROUP_SERVER or (group := self._groups.get(jid.user)) is None:
            raise NoSuchGroupError(f"there is no group {jid}")
        return group

    def get_for_member(self, jid: Jid, number: str) -> Group:
        """Give a group to one of its members; raises NoSuchGroupError or NotInGroupError."""
        group = self.get(jid)
        if number not in group.members:
            raise NotInGroupError(f"{number} is not in the group {jid}")
        return group

    def of(self, number: str) -> list[Group]:
        """Give the groups that a number is in."""
        return [group for group in self._groups.values() if number in group.members]

    def changed(self, group: Group) -> None:
        """Have a changed group kept."""
        self._storage.put("group", group.id, group)
