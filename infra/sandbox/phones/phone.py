"""One simulated phone: the primary device of an account, and what the network asks of it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from infra.sandbox.app_state import AppStateKey, Collection
from infra.sandbox.app_state_content import PUSH_NAME_COLLECTION, PUSH_NAME_INDEX, push_name
from infra.sandbox.phones import receiving, retrying, sending, welcome
from infra.sandbox.phones.delivered import Delivered
from infra.sandbox.phones.records import PhoneRecord

if TYPE_CHECKING:
    from infra.contract.jid import Jid
    from infra.sandbox.media_store import MediaStore
    from infra.sandbox.network.accounts import Account, LinkedDevice
    from infra.sandbox.network.network import Network
    from infra.sandbox.phones.diary import Diary
    from infra.sandbox.phones.keyring import Keyring
    from infra.sandbox.signal.device import PreKeyBundle
    from infra.sandbox.wire.node import Node


class Phone:
    """Device 0 of an account. It talks to the network in stanzas, as companions do, without a socket."""

    def __init__(  # noqa: PLR0913 - handed in once, by Phones
        self,
        account: Account,
        *,
        network: Network,
        media_store: MediaStore,
        record: PhoneRecord,
        keyring: Keyring,
        diary: Diary,
        collections: dict[str, Collection],
    ) -> None:
        self.account = account
        self.network = network
        self.media_store = media_store
        self.record = record
        self.keyring = keyring
        self.diary = diary
        self.delivered = Delivered(partial(sending.send_receipt, self))
        self._collections = collections

    @property
    def available(self) -> bool:
        """Whether contacts see this phone as online."""
        return self.record.available

    def set_available(self, *, available: bool) -> None:
        """Come online or go offline in the eyes of contacts."""
        self.record.available = available
        self.save()

    def set_receipts(self, *, sends: bool) -> None:
        """Send delivery receipts, or no longer."""
        self.record.sends_receipts = sends
        self.save()

    def save(self) -> None:
        """Have the phone's record kept."""
        self.network.storage.put("phone", self.record.number, self.record)

    def received(self, stanza: Node) -> None:
        """Take a stanza that the network brings."""
        if stanza.tag == "message":
            receiving.take_message(self, stanza)
        elif stanza.tag == "receipt" and stanza.text("type", "") == "retry":
            retrying.encrypt_again(self, stanza)
        elif stanza.tag in {"receipt", "presence", "chatstate"}:
            receiving.notice(self, stanza)

    def prekey_bundle(self) -> PreKeyBundle:
        """Give the keys with which others start a Signal session."""
        return self.keyring.bundle()

    def companion_active(self, device: LinkedDevice) -> None:
        """Send a new companion what a phone sends it first."""
        if not device.welcomed:
            device.welcomed = True
            self.network.directory.changed(device)
            welcome.welcome(self, self.account.lid.with_device(device.device))

    def companion_unlinked(self, device: LinkedDevice) -> None:
        """Forget what is shared with a companion that is gone."""
        self.keyring.forget_session(self.account.lid.with_device(device.device))

    def collection(self, name: str) -> Collection:
        """Give one collection of the account's app state."""
        if (collection := self._collections.get(name)) is None:
            collection = self._collections[name] = Collection.empty(name)
            if name == PUSH_NAME_COLLECTION:
                named = push_name(self.account.name, datetime.now(UTC))
                collection.append_own([named], self.record.app_state_key)
            self._save_collection(name)
        return collection

    def accept_patch(self, name: str, patch: bytes, base_version: int) -> None:
        """Take a companion's change of app state; raises AppStateError. A new push name is the account's."""
        collection = self.collection(name)
        mutations = collection.accept_client_patch(patch, base_version, self.record.app_state_key)
        self._save_collection(name)
        for mutation in mutations:
            if mutation.index == PUSH_NAME_INDEX and not mutation.removes:
                self.account.name = mutation.value.pushNameSetting.name
                self.network.directory.changed(self.account)

    def number_of(self, jid: Jid) -> str:
        """Give the number behind an address, or the written address when nobody has it."""
        account = self.network.directory.find(jid)
        return str(jid.account) if account is None else account.number

    def _save_collection(self, name: str) -> None:
        key = f"{self.record.number}/{name}"
        self.network.storage.put("collection", key, self._collections[name])


def new_record(number: str) -> PhoneRecord:
    """Give the record of a phone that was just bought."""
    return PhoneRecord(number, AppStateKey.generate())
