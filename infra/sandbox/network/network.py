"""The post office: knows every account and who is online, and brings each stanza to the devices it is for."""

from __future__ import annotations

import secrets
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

from infra.sandbox.network import messages
from infra.sandbox.network.accounts import PHONE, Account, Directory, LinkedDevice, device_list_hash
from infra.sandbox.network.faults import Faults
from infra.sandbox.network.groups import Groups
from infra.sandbox.network.mailbox import Letter, Mailbox
from infra.sandbox.network.recent import RecentIds
from infra.sandbox.network.stats import Stats
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.contract.jid import Jid
    from infra.sandbox.app_state import Collection
    from infra.sandbox.network.login import Login
    from infra.sandbox.network.registration import CodeOffer, Registration
    from infra.sandbox.signal.device import PreKeyBundle
    from infra.sandbox.storage import Storage


class Primary(Protocol):
    """What the network needs of a phone, the device with number 0."""

    @property
    def available(self) -> bool: ...
    def received(self, stanza: Node) -> None: ...
    def prekey_bundle(self) -> PreKeyBundle: ...
    def companion_active(self, device: LinkedDevice) -> None: ...
    def companion_unlinked(self, device: LinkedDevice) -> None: ...
    def collection(self, name: str) -> Collection: ...
    def accept_patch(self, name: str, patch: bytes, base_version: int) -> None: ...


class Network:
    """The shared state of WhatsApp's side, and the delivery of stanzas."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.directory = Directory(storage)
        self.groups = Groups(storage)
        self.recent = RecentIds(storage)
        self.faults = Faults()
        self.stats = Stats()
        self.primaries: dict[str, Primary] = {}
        self.presence_watchers: defaultdict[str, set[str]] = defaultdict(set)
        """Who asked for whose presence: number → keys of linked devices."""
        self.device_list_readers: defaultdict[str, set[str]] = defaultdict(set)
        """Who asked for whose device list, likewise."""
        self.registrations: dict[str, Registration] = {}
        """Devices that show a QR now, by the reference inside it."""
        self.code_offers: dict[str, CodeOffer] = {}
        """Pairing codes that devices show now, by the number they are for."""
        self._logins: dict[str, Login] = {}
        self._mailboxes: dict[str, Mailbox] = {}
        for letter in storage.load("letter", Letter).values():
            self._mailbox(letter.device_key).restore(letter)

    @staticmethod
    def now() -> str:
        """Give the time as stanzas carry it: whole seconds since 1970."""
        return str(int(time.time()))

    @staticmethod
    def stanza_id() -> str:
        """Make an id for a stanza of the server's own."""
        return secrets.token_hex(8).upper()

    def bundle(self, jid: Jid) -> PreKeyBundle | None:
        """Give the keys of one device, or None when there is no such device."""
        if (account := self.directory.find(jid)) is None:
            return None
        if jid.device == PHONE:
            return self.primaries[account.number].prekey_bundle()
        device = self.directory.companion(account, jid.device)
        return None if device is None else self.directory.take_bundle(device)

    def post(self, account: Account, sender: Jid, message: Node) -> None:
        """Bring a device's message to those it is for; raises what `messages.addressed` raises."""
        for parcel in messages.addressed(self, account, sender, message):
            self.deliver(parcel.to, parcel.stanza)

    def deliver(self, to: Jid, stanza: Node) -> None:
        """Bring a stanza to one device: now, or when it is online again. An unlinked one gets nothing."""
        if (account := self.directory.find(to)) is None:
            return
        if to.device == PHONE:
            self.primaries[account.number].received(stanza)
        elif (device := self.directory.companion(account, to.device)) is not None:
            self.deliver_to_companion(device, stanza)

    def deliver_to_companion(self, device: LinkedDevice, stanza: Node) -> None:
        """Bring a stanza to a linked device, and keep it until the device confirms it."""
        letter = self._mailbox(device.key).put(stanza)
        if (login := self._active_login(device)) is not None:
            login.hand_over(letter)

    def mention(self, to: Jid, stanza: Node) -> None:
        """Show a fleeting stanza (typing, presence) to a device if it is online; it is never kept."""
        if (account := self.directory.find(to)) is None:
            return
        if to.device == PHONE:
            self.primaries[account.number].received(stanza)
            return
        device = self.directory.companion(account, to.device)
        login = None if device is None else self._active_login(device)
        if login is not None:
            login.connection.send(stanza)

    def unconfirmed(self, device: LinkedDevice) -> list[Letter]:
        """Give what a device has not confirmed yet, oldest first."""
        return list(self._mailbox(device.key))

    def confirmed(self, device: LinkedDevice, answer: Node) -> None:
        """Take a device's confirmation."""
        self._mailbox(device.key).settle(answer)

    def login_of(self, device: LinkedDevice) -> Login | None:
        """Give the live connection of a linked device, or None."""
        return self._logins.get(device.key)

    def logins_of(self, account: Account) -> list[Login]:
        """Give the live connections of an account's linked devices."""
        found = (self._logins.get(device.key) for device in self.directory.companions(account))
        return [login for login in found if login is not None]

    def all_logins(self) -> list[Login]:
        """Give every live connection of a linked device."""
        return list(self._logins.values())

    def logged_in(self, login: Login) -> None:
        """Make this the connection of its device; an older one is told that it is replaced."""
        if (older := self._logins.get(login.device.key)) is not None:
            older.stream_error(Node("conflict", {"type": "replaced"}))
        self._logins[login.device.key] = login

    def logged_out(self, login: Login) -> None:
        """Take notice that a connection ended."""
        if self._logins.get(login.device.key) is login:
            del self._logins[login.device.key]
            for watchers in self.presence_watchers.values():
                watchers.discard(login.device.key)

    def link(self, device: LinkedDevice) -> None:
        """Add a companion to its account, and tell those who may have the old device list."""
        self.directory.link(device)
        self._devices_changed(device, "add")

    def unlink(self, device: LinkedDevice, *, tell: bool = True) -> None:
        """Take a companion off its account: its keys and mail are gone, its connection ends if it is told."""
        login = self._logins.get(device.key)
        self.directory.unlink(device)
        self._mailbox(device.key).burn()
        self.recent.forget(device.key)
        self.primaries[device.number].companion_unlinked(device)
        if login is not None and tell:
            login.stream_error(Node("conflict", {"type": "device_removed"}), code="401")
        self._devices_changed(device, "remove")

    def unlink_all(self, account: Account) -> None:
        """Take all companions off an account."""
        for device in self.directory.companions(account):
            self.unlink(device)

    def cut_registrations(self) -> None:
        """Cut the connections of devices that show a QR or a code."""
        for registration in set(self.registrations.values()):
            registration.cut()

    def _devices_changed(self, device: LinkedDevice, change: str) -> None:
        """Tell those who asked for this account's device list (whatsmeow, notification.go)."""
        account = self.directory.get(device.number)
        new_hash = device_list_hash(self.directory.devices(account))
        part = Node("device", {"jid": account.lid.with_device(device.device)})
        attrs: Attributes = {"from": account.lid, "type": "devices", "t": self.now()}
        for key in self.device_list_readers[account.number]:
            if (login := self._logins.get(key)) is not None and key != device.key:
                notice = Node(change, {"device_hash": new_hash}, [part])
                stanza = Node("notification", {**attrs, "id": self.stanza_id()}, [notice])
                self.deliver_to_companion(login.device, stanza)

    def _active_login(self, device: LinkedDevice) -> Login | None:
        login = self._logins.get(device.key)
        return login if login is not None and login.active else None

    def _mailbox(self, device_key: str) -> Mailbox:
        if (mailbox := self._mailboxes.get(device_key)) is None:
            mailbox = self._mailboxes[device_key] = Mailbox(self.storage, device_key)
        return mailbox
