"""A Signal device: whatever a simulated phone encrypts or decrypts goes through one of these.

Its parts are stored piece by piece: `keys`, each entry of `sessions`, `own_sender_keys` and `sender_keys`.
All but `keys` are frozen and replaced when they change, so that `is not` tells what has to be stored again.
Addresses are a LID user and a device, such as `83471112233:3`; any text that stays the same will do.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from infra.sandbox.signal import cipher
from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.signal.errors import NoSenderKeyError, NoSessionError
from infra.sandbox.signal.handshake import initiate, respond
from infra.sandbox.signal.keys import DeviceKeys, PreKeyBundle
from infra.sandbox.signal.messages import PreKeySignalMessage, SignalMessage
from infra.sandbox.signal.sender_keys import OwnSenderKey, SenderKeyRecord
from infra.sandbox.signal.session import Envelope, EnvelopeKind, SessionRecord

__all__ = ["DeviceKeys", "Envelope", "EnvelopeKind", "PreKeyBundle", "SignalDevice"]


class SignalDevice(msgspec.Struct):
    """One device with its sessions and groups. Errors: see `errors`; what failed has changed nothing."""

    keys: DeviceKeys
    sessions: dict[str, SessionRecord] = {}
    own_sender_keys: dict[str, OwnSenderKey] = {}
    """By group."""
    sender_keys: dict[tuple[str, str], SenderKeyRecord] = {}
    """By group and sender address."""

    def prekey_bundle(self, *, one_time: bool = True) -> PreKeyBundle:
        """Give what the prekey server hands out, and what a retry receipt with keys carries."""
        return self.keys.bundle(one_time=one_time)

    def has_session(self, address: str) -> bool:
        """Tell whether `encrypt` will work for this address."""
        return address in self.sessions

    def start_session(self, address: str, bundle: PreKeyBundle) -> None:
        """Use a new state with this address from now on; raises BadSignatureError and InvalidKeyError."""
        bundle.verify()
        state = initiate(self.keys.identity, bundle, base=KeyPair.generate(), ratchet=KeyPair.generate())
        self.sessions[address] = self.sessions.get(address, SessionRecord()).using(state)

    def forget_session(self, address: str) -> None:
        """Forget all that is shared with this address, if anything."""
        self.sessions.pop(address, None)

    def encrypt(self, address: str, message: bytes) -> Envelope:
        """Pad and encrypt: a pkmsg until the peer has answered; raises NoSessionError."""
        session = self._session(address)
        envelope, self.sessions[address] = session.encrypt(cipher.pad(message), self.keys.registration_id)
        return envelope

    def decrypt(self, address: str, envelope: Envelope) -> bytes:
        """Give the message inside, without padding.

        Raises DuplicateMessageError, NoSessionError, UnknownPreKeyError, BadMacError, TooFarAheadError
        and SignalFormatError.
        """
        match envelope.kind:
            case EnvelopeKind.MSG:
                return self._decrypt_later(address, envelope.ciphertext)
            case EnvelopeKind.PKMSG:
                return self._decrypt_first(address, PreKeySignalMessage.decode(envelope.ciphertext))
            case _:
                assert_never(envelope.kind)

    def group_distribution(self, group: str) -> bytes:
        """Give what each member has to be told, privately, before it can read the next group message."""
        own = self.own_sender_keys.get(group) or OwnSenderKey.generate()
        self.own_sender_keys[group] = own
        return own.distribution()

    def encrypt_group(self, group: str, message: bytes) -> bytes:
        """Pad and encrypt for all members; raises NoSenderKeyError if none can have been told the key."""
        own = self.own_sender_keys.get(group)
        if own is None:
            raise NoSenderKeyError(f"nobody was told a key of ours for {group}")
        ciphertext, self.own_sender_keys[group] = own.encrypt(cipher.pad(message))
        return ciphertext

    def process_distribution(self, group: str, sender: str, distribution: bytes) -> None:
        """Learn a sender's key of a group; raises SignalFormatError."""
        record = self.sender_keys.get((group, sender), SenderKeyRecord())
        self.sender_keys[group, sender] = record.told(distribution)

    def decrypt_group(self, group: str, sender: str, ciphertext: bytes) -> bytes:
        """Give the message inside, without padding.

        Raises DuplicateMessageError, NoSenderKeyError, BadSignatureError, TooFarAheadError and
        SignalFormatError.
        """
        record = self.sender_keys.get((group, sender), SenderKeyRecord())
        plaintext, after = record.decrypt(ciphertext)
        message = cipher.unpad(plaintext)
        self.sender_keys[group, sender] = after
        return message

    def _session(self, address: str) -> SessionRecord:
        session = self.sessions.get(address)
        if session is None:
            raise NoSessionError(f"no session with {address}")
        return session

    def _decrypt_later(self, address: str, sealed: bytes) -> bytes:
        plaintext, after = self._session(address).decrypt(sealed)
        message = cipher.unpad(plaintext)
        self.sessions[address] = after
        return message

    def _decrypt_first(self, address: str, first: PreKeySignalMessage) -> bytes:
        session = self.sessions.get(address, SessionRecord())
        if session.started_with(first.base_key):
            return self._decrypt_later(address, first.sealed)
        signed_prekey = self.keys.get_signed_prekey(first.signed_prekey_id)
        prekey = None if first.prekey_id is None else self.keys.get_prekey(first.prekey_id)
        state = respond(self.keys.identity, first, signed_prekey, prekey)
        plaintext, after = state.decrypt(SignalMessage.decode(first.sealed), first.sealed)
        message = cipher.unpad(plaintext)
        self.sessions[address] = session.using(after)
        if first.prekey_id is not None:
            del self.keys.prekeys[first.prekey_id]
        return message
