"""The four Signal messages (version 3) as bytes.

Each is 33, then protobuf (libsignal, WhisperTextProtocol.proto). What follows that, a MAC or a signature, is
made and checked by those who hold the keys. Public keys are 32 bytes here, and 05 and 32 bytes on their way.
"""

from __future__ import annotations

from typing import Self

import msgspec

from infra.sandbox.signal.curve import KEY_LENGTH, SIGNATURE_LENGTH, typed
from infra.sandbox.signal.errors import SignalFormatError
from infra.sandbox.signal.fields import Fields, data, number

MAC_LENGTH = 8

_VERSION = b"\x33"


class SignalMessage(msgspec.Struct, frozen=True):
    """A message of a session, with the ratchet key and the counter that tell how to read it."""

    ratchet: bytes
    counter: int
    previous_counter: int
    ciphertext: bytes

    def encode(self) -> bytes:
        """Write what the MAC covers; the 8 bytes of the MAC follow it."""
        return b"".join(
            (
                _VERSION,
                data(1, typed(self.ratchet)),
                number(2, self.counter),
                number(3, self.previous_counter),
                data(4, self.ciphertext),
            )
        )

    @classmethod
    def decode(cls, sealed: bytes) -> Self:
        """Read a message that ends in its MAC; raises SignalFormatError."""
        fields = _read(sealed[:-MAC_LENGTH])
        return cls(fields.key(1), fields.number(2), fields.number(3), fields.data(4))


class PreKeySignalMessage(msgspec.Struct, frozen=True):
    """A session's message along with what its first reader needs to build the session."""

    registration_id: int
    prekey_id: int | None
    signed_prekey_id: int
    base_key: bytes
    identity: bytes
    sealed: bytes
    """The SignalMessage, with its MAC."""

    def encode(self) -> bytes:
        """Write the whole message."""
        return b"".join(
            (
                _VERSION,
                b"" if self.prekey_id is None else number(1, self.prekey_id),
                data(2, typed(self.base_key)),
                data(3, typed(self.identity)),
                data(4, self.sealed),
                number(5, self.registration_id),
                number(6, self.signed_prekey_id),
            )
        )

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read a message; raises SignalFormatError."""
        fields = _read(encoded)
        return cls(
            registration_id=fields.number(5),
            prekey_id=fields.number(1) if 1 in fields else None,
            signed_prekey_id=fields.number(6),
            base_key=fields.key(2),
            identity=fields.key(3),
            sealed=fields.data(4),
        )


class SenderKeyMessage(msgspec.Struct, frozen=True):
    """A group's message, encrypted once for all members."""

    key_id: int
    iteration: int
    ciphertext: bytes

    def encode(self) -> bytes:
        """Write what the signature covers; its 64 bytes follow it."""
        return b"".join(
            (_VERSION, number(1, self.key_id), number(2, self.iteration), data(3, self.ciphertext))
        )

    @classmethod
    def decode(cls, signed: bytes) -> Self:
        """Read a message that ends in its signature; raises SignalFormatError."""
        fields = _read(signed[:-SIGNATURE_LENGTH])
        return cls(fields.number(1), fields.number(2), fields.data(3))


class SenderKeyDistribution(msgspec.Struct, frozen=True):
    """What a member of a group needs to read the messages of one sender from `iteration` on."""

    key_id: int
    iteration: int
    chain_key: bytes
    signing_key: bytes

    def encode(self) -> bytes:
        """Write the whole message."""
        return b"".join(
            (
                _VERSION,
                number(1, self.key_id),
                number(2, self.iteration),
                data(3, self.chain_key),
                data(4, typed(self.signing_key)),
            )
        )

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Read a message; raises SignalFormatError."""
        fields = _read(encoded)
        chain_key = fields.data(3)
        if len(chain_key) != KEY_LENGTH:
            raise SignalFormatError(f"a chain key of {len(chain_key)} bytes")
        return cls(fields.number(1), fields.number(2), chain_key, fields.key(4))


def _read(encoded: bytes) -> Fields:
    if not encoded.startswith(_VERSION):
        raise SignalFormatError("not of version 3 of the protocol")
    return Fields.read(encoded[1:])
