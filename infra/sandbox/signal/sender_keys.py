"""Sender keys: a group's messages are encrypted once, with a chain that each member was told of privately."""

from __future__ import annotations

import secrets
from typing import Self

import msgspec
from msgspec.structs import replace

from infra.sandbox.signal import cipher, curve
from infra.sandbox.signal.chain import Chain
from infra.sandbox.signal.curve import KEY_LENGTH, SIGNATURE_LENGTH, KeyPair
from infra.sandbox.signal.errors import NoSenderKeyError
from infra.sandbox.signal.kdf import hkdf
from infra.sandbox.signal.messages import SenderKeyDistribution, SenderKeyMessage

# libsignal's limit (SenderKeyRecord.go).
MAX_STATES = 5


class OwnSenderKey(msgspec.Struct, frozen=True):
    """A device's own key of one group."""

    key_id: int
    signing: KeyPair
    chain: Chain

    @classmethod
    def generate(cls) -> Self:
        """Make the key of a group that this device has not yet written to."""
        return cls(secrets.randbits(31), KeyPair.generate(), Chain(secrets.token_bytes(KEY_LENGTH)))

    def distribution(self) -> bytes:
        """Give the SenderKeyDistribution with which a member reads all that follows."""
        return SenderKeyDistribution(
            self.key_id, self.chain.counter, self.chain.key, self.signing.public
        ).encode()

    def encrypt(self, plaintext: bytes) -> tuple[bytes, OwnSenderKey]:
        """Give a SenderKeyMessage with its signature, and the key after it."""
        seed, chain = self.chain.next()
        cipher_key, iv = _message_keys(seed)
        ciphertext = cipher.encrypt(cipher_key, iv, plaintext)
        body = SenderKeyMessage(self.key_id, self.chain.counter, ciphertext).encode()
        return body + curve.sign(self.signing.private, body), replace(self, chain=chain)


class SenderKeyState(msgspec.Struct, frozen=True):
    """One key of another member, at the place up to which it was read."""

    key_id: int
    signing_key: bytes
    chain: Chain


class SenderKeyRecord(msgspec.Struct, frozen=True):
    """The keys that one member used in one group, the newest first: replaced, and stored, as a whole."""

    states: tuple[SenderKeyState, ...] = ()

    def told(self, distribution: bytes) -> SenderKeyRecord:
        """Give the record that knows this SenderKeyDistribution too; raises SignalFormatError.

        A key that is known keeps its place in the chain: it is told anew with each message, and messages may
        have been overtaken by it.
        """
        news = SenderKeyDistribution.decode(distribution)
        state = SenderKeyState(news.key_id, news.signing_key, Chain(news.chain_key, news.iteration))
        known = self._find(news.key_id)
        if known is not None and known.signing_key == news.signing_key:
            state = known
        others = (other for other in self.states if other.key_id != news.key_id)
        return SenderKeyRecord((state, *others)[:MAX_STATES])

    def decrypt(self, signed: bytes) -> tuple[bytes, SenderKeyRecord]:
        """Give the plaintext of a SenderKeyMessage, and the record after it.

        Raises NoSenderKeyError, BadSignatureError, DuplicateMessageError, TooFarAheadError and
        SignalFormatError.
        """
        message = SenderKeyMessage.decode(signed)
        state = self._find(message.key_id)
        if state is None:
            raise NoSenderKeyError(f"no sender key {message.key_id}")
        curve.verify(state.signing_key, signed[:-SIGNATURE_LENGTH], signed[-SIGNATURE_LENGTH:])
        seed, chain = state.chain.at(message.iteration)
        cipher_key, iv = _message_keys(seed)
        plaintext = cipher.decrypt(cipher_key, iv, message.ciphertext)
        after = replace(state, chain=chain)
        return plaintext, SenderKeyRecord(tuple(after if s is state else s for s in self.states))

    def _find(self, key_id: int) -> SenderKeyState | None:
        return next((state for state in self.states if state.key_id == key_id), None)


def _message_keys(seed: bytes) -> tuple[bytes, bytes]:
    """Give cipher key and IV of a group message (SenderMessageKey.go)."""
    derived = hkdf(seed, b"WhisperGroup", 48)
    return derived[16:], derived[:16]
