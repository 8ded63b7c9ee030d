"""What a device owns, and what it hands out so that others can write to it unasked."""

from __future__ import annotations

import secrets
from typing import Self

import msgspec

from infra.sandbox.signal import curve
from infra.sandbox.signal.curve import KeyPair
from infra.sandbox.signal.errors import UnknownPreKeyError

# A registration id has 14 bits and is not 0 (libsignal, KeyHelper.go).
_REGISTRATION_IDS = range(1, 16381)


class PreKeyBundle(msgspec.Struct, frozen=True):
    """The public keys with which a session is started. Keys are 32 bytes, the signature 64."""

    registration_id: int
    identity: bytes
    signed_prekey_id: int
    signed_prekey: bytes
    signed_prekey_signature: bytes
    prekey_id: int | None = None
    prekey: bytes | None = None

    def verify(self) -> None:
        """Return if the identity signed the signed prekey; raises BadSignatureError."""
        curve.verify(self.identity, curve.typed(self.signed_prekey), self.signed_prekey_signature)


class DeviceKeys(msgspec.Struct):
    """A device's own keys, with the one-time prekeys that it handed out and that are not yet used."""

    registration_id: int
    identity: KeyPair
    signed_prekey_id: int
    signed_prekey: KeyPair
    signed_prekey_signature: bytes
    next_prekey_id: int = 1
    prekeys: dict[int, KeyPair] = {}

    @classmethod
    def generate(cls) -> Self:
        """Make the keys of a new device."""
        identity, signed_prekey = KeyPair.generate(), KeyPair.generate()
        return cls(
            registration_id=secrets.choice(_REGISTRATION_IDS),
            identity=identity,
            signed_prekey_id=1,
            signed_prekey=signed_prekey,
            signed_prekey_signature=curve.sign(identity.private, curve.typed(signed_prekey.public)),
        )

    def bundle(self, *, one_time: bool) -> PreKeyBundle:
        """Give what a stranger needs; `one_time` adds a fresh prekey that is good for one session."""
        bundle = PreKeyBundle(
            self.registration_id,
            self.identity.public,
            self.signed_prekey_id,
            self.signed_prekey.public,
            self.signed_prekey_signature,
        )
        if not one_time:
            return bundle
        prekey_id, prekey = self.next_prekey_id, KeyPair.generate()
        self.next_prekey_id += 1
        self.prekeys[prekey_id] = prekey
        return msgspec.structs.replace(bundle, prekey_id=prekey_id, prekey=prekey.public)

    def get_signed_prekey(self, signed_prekey_id: int) -> KeyPair:
        """Give the signed prekey; raises UnknownPreKeyError."""
        if signed_prekey_id != self.signed_prekey_id:
            raise UnknownPreKeyError(f"no signed prekey {signed_prekey_id}")
        return self.signed_prekey

    def get_prekey(self, prekey_id: int) -> KeyPair:
        """Give a one-time prekey that is still unused; raises UnknownPreKeyError."""
        prekey = self.prekeys.get(prekey_id)
        if prekey is None:
            raise UnknownPreKeyError(f"no one-time prekey {prekey_id}")
        return prekey
