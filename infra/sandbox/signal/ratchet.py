"""The double ratchet: one state shared with one device, as values that never change.

Encrypting and decrypting give the state after them. A state that is not put in the place of its predecessor
never was, which is how a failed decrypt leaves nothing behind.
"""

from __future__ import annotations

import hmac

import msgspec
from msgspec.structs import replace

from infra.sandbox.signal import cipher
from infra.sandbox.signal.chain import Chain
from infra.sandbox.signal.curve import KeyPair, agree, typed
from infra.sandbox.signal.errors import BadMacError
from infra.sandbox.signal.kdf import hkdf, hmac_sha256
from infra.sandbox.signal.messages import MAC_LENGTH, SignalMessage

# libsignal's limit (SessionState.go).
MAX_RECEIVING = 5


class PendingPreKey(msgspec.Struct, frozen=True):
    """The prekeys of the peer that a session was started with, named in each message until it answers."""

    signed_prekey_id: int
    prekey_id: int | None


class SessionState(msgspec.Struct, frozen=True):
    """What two devices share. Keys are 32 bytes; `base_key` is the starter's and names the state."""

    identity: bytes
    peer_identity: bytes
    base_key: bytes
    root: bytes
    ratchet: KeyPair
    sending: Chain | None
    """None after the peer's ratchet turned: ours follows once there is something to send."""
    receiving: dict[bytes, Chain]
    """By the peer's ratchet key, the newest last."""
    previous_counter: int = 0
    pending: PendingPreKey | None = None

    def encrypt(self, plaintext: bytes) -> tuple[bytes, SessionState]:
        """Give a SignalMessage with its MAC, and the state after it."""
        if self.sending is None:
            return self.turned(KeyPair.generate()).encrypt(plaintext)
        seed, sending = self.sending.next()
        cipher_key, mac_key, iv = _message_keys(seed)
        ciphertext = cipher.encrypt(cipher_key, iv, plaintext)
        message = SignalMessage(self.ratchet.public, self.sending.counter, self.previous_counter, ciphertext)
        body = message.encode()
        sealed = body + _mac(mac_key, self.identity, self.peer_identity, body)
        return sealed, replace(self, sending=sending)

    def decrypt(self, message: SignalMessage, sealed: bytes) -> tuple[bytes, SessionState]:
        """Give the plaintext of a message, that was read from `sealed`, and the state after it.

        Raises BadMacError, DuplicateMessageError, TooFarAheadError and SignalFormatError.
        """
        state = self if message.ratchet in self.receiving else self._followed(message.ratchet)
        seed, chain = state.receiving[message.ratchet].at(message.counter)
        cipher_key, mac_key, iv = _message_keys(seed)
        body, mac = sealed[:-MAC_LENGTH], sealed[-MAC_LENGTH:]
        if not hmac.compare_digest(mac, _mac(mac_key, self.peer_identity, self.identity, body)):
            raise BadMacError(f"message {message.counter} does not fit this state")
        plaintext = cipher.decrypt(cipher_key, iv, message.ciphertext)
        return plaintext, replace(state, receiving=state.receiving | {message.ratchet: chain}, pending=None)

    def turned(self, ratchet: KeyPair) -> SessionState:
        """Give the state with a new ratchet key of ours, made for the peer's newest one."""
        newest = next(reversed(self.receiving))
        root, key = _root_step(self.root, agree(ratchet.private, newest))
        return replace(self, root=root, ratchet=ratchet, sending=Chain(key))

    def _followed(self, ratchet: bytes) -> SessionState:
        """Give the state after the peer's ratchet turned to this key."""
        root, key = _root_step(self.root, agree(self.ratchet.private, ratchet))
        kept = list(self.receiving.items())[1 - MAX_RECEIVING :]
        # libsignal sends the last counter, not the count (SessionCipher.go); its readers do not look at it.
        previous = self.previous_counter if self.sending is None else max(self.sending.counter - 1, 0)
        receiving = dict([*kept, (ratchet, Chain(key))])
        return replace(self, root=root, sending=None, receiving=receiving, previous_counter=previous)


def _root_step(root: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """Give the next root key and the first key of a new chain (RootKey.go)."""
    derived = hkdf(secret, b"WhisperRatchet", 64, salt=root)
    return derived[:32], derived[32:]


def _message_keys(seed: bytes) -> tuple[bytes, bytes, bytes]:
    """Give cipher key, MAC key and IV of a message (ChainKey.go)."""
    derived = hkdf(seed, b"WhisperMessageKeys", 80)
    return derived[:32], derived[32:64], derived[64:]


def _mac(key: bytes, sender: bytes, receiver: bytes, body: bytes) -> bytes:
    """Bind a message to the identities of both ends, in the order of its way (SignalMessage.go)."""
    return hmac_sha256(key, typed(sender) + typed(receiver) + body)[:MAC_LENGTH]
