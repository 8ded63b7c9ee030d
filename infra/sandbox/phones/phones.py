"""All simulated phones: bought, found by number, and back again after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.app_state import Collection
from infra.sandbox.network.accounts import NoSuchAccountError
from infra.sandbox.phones.diary import Diary
from infra.sandbox.phones.keyring import Keyring
from infra.sandbox.phones.phone import Phone, new_record
from infra.sandbox.phones.records import PhoneRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.sandbox.media_store import MediaStore
    from infra.sandbox.network.network import Network


class Phones:
    """The phones of one sandbox."""

    def __init__(self, network: Network, media_store: MediaStore) -> None:
        self._network = network
        self._media_store = media_store
        self._phones: dict[str, Phone] = {}
        self._diaries = Diary.load_all(network.storage)
        keyrings = Keyring.load_all(network.storage)
        collections = network.storage.load("collection", Collection)
        for number, record in network.storage.load("phone", PhoneRecord).items():
            own = {key.partition("/")[2]: c for key, c in collections.items() if key.startswith(f"{number}/")}
            self._switch_on(record, keyrings[number], own)

    def __iter__(self) -> Iterator[Phone]:
        """Give every phone, by number."""
        return iter(sorted(self._phones.values(), key=lambda phone: phone.account.number))

    def buy(self, number: str, name: str) -> Phone:
        """Put a new phone on WhatsApp; raises AccountExistsError."""
        self._network.directory.create(number, name)
        phone = self._switch_on(new_record(number), Keyring.create(self._network.storage, number), {})
        phone.save()
        return phone

    def get(self, number: str) -> Phone:
        """Give the phone of a number; raises NoSuchAccountError."""
        if (phone := self._phones.get(number)) is None:
            raise NoSuchAccountError(f"no phone has the number {number}")
        return phone

    def flush_receipts(self) -> None:
        """Have the phones send the receipts that they gathered, before the network stops."""
        for phone in self._phones.values():
            phone.delivered.flush()

    def _switch_on(self, record: PhoneRecord, keyring: Keyring, own: dict[str, Collection]) -> Phone:
        phone = Phone(
            self._network.directory.get(record.number),
            network=self._network,
            media_store=self._media_store,
            record=record,
            keyring=keyring,
            diary=self._diaries[record.number],
            collections=own,
        )
        self._phones[record.number] = self._network.primaries[record.number] = phone
        return phone
