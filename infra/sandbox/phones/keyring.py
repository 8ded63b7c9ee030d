"""A phone's Signal device, kept in the storage piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.signal.device import DeviceKeys, SignalDevice
from infra.sandbox.signal.sender_keys import OwnSenderKey, SenderKeyRecord
from infra.sandbox.signal.session import SessionRecord

if TYPE_CHECKING:
    from infra.contract.jid import Jid
    from infra.sandbox.signal.device import Envelope, PreKeyBundle
    from infra.sandbox.storage import Storage


def address(device: Jid) -> str:
    """Give the name under which a device's Signal session is kept."""
    return f"{device.user}:{device.device}"


class Keyring:
    """Encrypts and decrypts for one phone. The errors are `signal.errors`."""

    def __init__(self, storage: Storage, number: str, device: SignalDevice) -> None:
        self._storage = storage
        self._number = number
        self._device = device

    @classmethod
    def create(cls, storage: Storage, number: str) -> Keyring:
        """Make the keys of a new phone."""
        keyring = cls(storage, number, SignalDevice(DeviceKeys.generate()))
        keyring._save_keys()
        return keyring

    @classmethod
    def load_all(cls, storage: Storage) -> dict[str, Keyring]:
        """Give the keyrings of all phones, by number."""
        devices = {n: SignalDevice(keys) for n, keys in storage.load("signal-keys", DeviceKeys).items()}
        for key, session in storage.load("signal-session", SessionRecord).items():
            number, peer = key.split("/")
            devices[number].sessions[peer] = session
        for key, own in storage.load("own-sender-key", OwnSenderKey).items():
            number, group = key.split("/")
            devices[number].own_sender_keys[group] = own
        for key, theirs in storage.load("sender-key", SenderKeyRecord).items():
            number, group, sender = key.split("/")
            devices[number].sender_keys[group, sender] = theirs
        return {number: cls(storage, number, device) for number, device in devices.items()}

    @property
    def keys(self) -> DeviceKeys:
        """The phone's own keys."""
        return self._device.keys

    def bundle(self) -> PreKeyBundle:
        """Give the keys with which others start a session, with a one-time prekey."""
        bundle = self._device.prekey_bundle()
        self._save_keys()
        return bundle

    def has_session(self, peer: Jid) -> bool:
        """Tell whether `encrypt` will work for this device."""
        return self._device.has_session(address(peer))

    def start_session(self, peer: Jid, bundle: PreKeyBundle) -> None:
        """Use a new Signal session with this device from now on."""
        self._device.start_session(address(peer), bundle)
        self._save_session(peer)

    def forget_session(self, peer: Jid) -> None:
        """Forget all that is shared with this device, if anything."""
        self._device.forget_session(address(peer))
        self._storage.delete("signal-session", f"{self._number}/{address(peer)}")

    def encrypt(self, peer: Jid, message: bytes) -> Envelope:
        """Encrypt for one device."""
        envelope = self._device.encrypt(address(peer), message)
        self._save_session(peer)
        return envelope

    def decrypt(self, peer: Jid, envelope: Envelope) -> bytes:
        """Read what one device encrypted for this phone."""
        prekeys = len(self.keys.prekeys)
        message = self._device.decrypt(address(peer), envelope)
        self._save_session(peer)
        if len(self.keys.prekeys) != prekeys:
            self._save_keys()
        return message

    def group_distribution(self, group: Jid) -> bytes:
        """Give what each device in a group has to be told before it can read the next group message."""
        distribution = self._device.group_distribution(str(group))
        self._save_own_sender_key(group)
        return distribution

    def encrypt_group(self, group: Jid, message: bytes) -> bytes:
        """Encrypt for all devices in a group."""
        ciphertext = self._device.encrypt_group(str(group), message)
        self._save_own_sender_key(group)
        return ciphertext

    def process_distribution(self, group: Jid, sender: Jid, distribution: bytes) -> None:
        """Learn a device's sender key of a group."""
        self._device.process_distribution(str(group), address(sender), distribution)
        self._save_sender_key(group, sender)

    def decrypt_group(self, group: Jid, sender: Jid, ciphertext: bytes) -> bytes:
        """Read what one device encrypted for a group."""
        message = self._device.decrypt_group(str(group), address(sender), ciphertext)
        self._save_sender_key(group, sender)
        return message

    def _save_keys(self) -> None:
        self._storage.put("signal-keys", self._number, self._device.keys)

    def _save_session(self, peer: Jid) -> None:
        key = address(peer)
        self._storage.put("signal-session", f"{self._number}/{key}", self._device.sessions[key])

    def _save_own_sender_key(self, group: Jid) -> None:
        own = self._device.own_sender_keys[str(group)]
        self._storage.put("own-sender-key", f"{self._number}/{group}", own)

    def _save_sender_key(self, group: Jid, sender: Jid) -> None:
        key = f"{self._number}/{group}/{address(sender)}"
        self._storage.put("sender-key", key, self._device.sender_keys[str(group), address(sender)])
