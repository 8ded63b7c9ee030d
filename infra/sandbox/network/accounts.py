"""Who is on WhatsApp: accounts, the devices linked to them, and the prekeys those devices left."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

import msgspec

from infra.contract.jid import GROUP_SERVER, LID_SERVER, Jid
from infra.sandbox.signal.device import PreKeyBundle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infra.sandbox.storage import Storage

PHONE = 0
"""The device number of the phone itself."""


class AccountExistsError(ValueError):
    """A phone with this number is there already."""


class NoSuchAccountError(LookupError):
    """No phone has this number: it is not on WhatsApp."""


class Account(msgspec.Struct):
    """One person's account: a number, its hidden user, and the name that contacts see."""

    number: str
    lid_user: str
    name: str
    next_device: int = 1

    @property
    def pn(self) -> Jid:
        """The phone-number address."""
        return Jid.phone_number(self.number)

    @property
    def lid(self) -> Jid:
        """The hidden address; chats and Signal sessions go by this one."""
        return Jid.lid(self.lid_user)


class SignedPrekey(msgspec.Struct):
    """A medium-term key of a device, signed by its identity key."""

    id: int
    public: bytes
    signature: bytes


class LinkedDevice(msgspec.Struct):
    """A companion as the server knows it: what it said of itself when it was linked."""

    number: str
    device: int
    noise_public: bytes
    identity: bytes
    registration_id: int
    signed_prekey: SignedPrekey
    key_index: int
    platform: str
    linked_at: int
    welcomed: bool = False
    """Whether the phone has sent it what a phone sends a new companion: app state key and history."""

    @property
    def key(self) -> str:
        """The record's key in the storage."""
        return f"{self.number}:{self.device}"


class PrekeyShelf(msgspec.Struct):
    """The one-time prekeys that a companion uploaded and nobody took yet: id → public key."""

    keys: dict[int, bytes] = {}


def device_list_hash(jids: Iterable[Jid]) -> str:
    """Give the hash by which clients compare device lists (whatsmeow, send.go: participantListHashV2)."""
    listed = sorted(f"{jid.user}.0:{jid.device}@{jid.server}" for jid in jids)
    digest = hashlib.sha256("".join(listed).encode()).digest()
    return "2:" + base64.b64encode(digest[:6]).decode()


class Directory:
    """All accounts and linked devices, found by number or by either address; kept in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._accounts = storage.load("account", Account)
        self._by_lid = {account.lid_user: account for account in self._accounts.values()}
        self._devices: dict[str, dict[int, LinkedDevice]] = {number: {} for number in self._accounts}
        linked = storage.load("device", LinkedDevice).values()
        for device in sorted(linked, key=lambda device: device.device):
            self._devices[device.number][device.device] = device
        self._shelves = storage.load("prekeys", PrekeyShelf)

    def __iter__(self) -> Iterator[Account]:
        """Give every account."""
        return iter(self._accounts.values())

    def create(self, number: str, name: str) -> Account:
        """Put a new account on WhatsApp; raises AccountExistsError."""
        if number in self._accounts:
            raise AccountExistsError(f"a phone with the number {number} exists")
        account = Account(number, f"{secrets.randbelow(9 * 10**13) + 10**14}", name)
        self._accounts[number] = self._by_lid[account.lid_user] = account
        self._devices[number] = {}
        self._storage.put("account", number, account)
        return account

    def get(self, number: str) -> Account:
        """Give the account of a number; raises NoSuchAccountError."""
        if (account := self._accounts.get(number)) is None:
            raise NoSuchAccountError(f"no phone has the number {number}")
        return account

    def find(self, jid: Jid) -> Account | None:
        """Give the account behind a PN or a LID, or None."""
        if jid.server == LID_SERVER:
            return self._by_lid.get(jid.user)
        return None if jid.server == GROUP_SERVER else self._accounts.get(jid.user)

    def companions(self, account: Account) -> list[LinkedDevice]:
        """Give the devices linked to an account, oldest first."""
        return list(self._devices[account.number].values())

    def companion(self, account: Account, device: int) -> LinkedDevice | None:
        """Give one linked device, or None when it was never linked or is unlinked."""
        return self._devices[account.number].get(device)

    def devices(self, account: Account) -> list[Jid]:
        """Give the LID of every device: the phone first, then its companions."""
        return [account.lid, *(account.lid.with_device(device) for device in self._devices[account.number])]

    def reserve_device(self, account: Account) -> int:
        """Take the next device number; numbers are never given twice."""
        number = account.next_device
        account.next_device += 1
        self.changed(account)
        return number

    def link(self, device: LinkedDevice) -> None:
        """Add a companion to its account."""
        self._devices[device.number][device.device] = device
        self.changed(device)

    def unlink(self, device: LinkedDevice) -> None:
        """Forget a companion and its prekeys; unlinking twice changes nothing."""
        self._devices[device.number].pop(device.device, None)
        self._storage.delete("device", device.key)
        if self._shelves.pop(device.key, None) is not None:
            self._storage.delete("prekeys", device.key)

    def changed(self, record: Account | LinkedDevice) -> None:
        """Have a changed record kept."""
        if isinstance(record, Account):
            self._storage.put("account", record.number, record)
        else:
            self._storage.put("device", record.key, record)

    def shelf(self, device: LinkedDevice) -> PrekeyShelf:
        """Give the one-time prekeys of a companion."""
        return self._shelves.setdefault(device.key, PrekeyShelf())

    def stock(self, device: LinkedDevice, keys: dict[int, bytes]) -> None:
        """Add uploaded one-time prekeys."""
        shelf = self.shelf(device)
        shelf.keys.update(keys)
        self._storage.put("prekeys", device.key, shelf)

    def take_bundle(self, device: LinkedDevice) -> PreKeyBundle:
        """Give the keys to start a Signal session with; each one-time prekey is given out once."""
        shelf = self.shelf(device)
        prekey_id = next(iter(shelf.keys), None)
        prekey = None if prekey_id is None else shelf.keys.pop(prekey_id)
        if prekey_id is not None:
            self._storage.put("prekeys", device.key, shelf)
        signed = device.signed_prekey
        return PreKeyBundle(
            registration_id=device.registration_id,
            identity=device.identity,
            signed_prekey_id=signed.id,
            signed_prekey=signed.public,
            signed_prekey_signature=signed.signature,
            prekey_id=prekey_id,
            prekey=prekey,
        )
