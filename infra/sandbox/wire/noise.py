"""The server's side of Noise XX, and the transport that it leads to (whatsmeow, handshake.go and socket/).

    NoiseError
    └── HandshakeError

WhatsApp departs from the Noise specification in two points: each part of a handshake message is a field of
a protobuf, and the client's first message carries no payload, not even an empty one to be hashed.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from infra.sandbox.protobufs import wa6
from infra.sandbox.signal.curve import KeyPair, agree
from infra.sandbox.signal.errors import InvalidKeyError
from infra.sandbox.wire.frames import CONNECTION_HEADER

_PROTOCOL = b"Noise_XX_25519_AESGCM_SHA256\0\0\0\0"
_NONCE_SIZE = 12
_REFUSED = (DecodeError, InvalidKeyError, InvalidTag)


class NoiseError(ValueError):
    """A frame was not encrypted by the other side of this connection, or not in this order."""


class HandshakeError(NoiseError):
    """What came is no step of a handshake, or not one that was made for this server."""


class SymmetricState:
    """The running hash and keys of a handshake (Noise specification, section 5.2)."""

    def __init__(self, prologue: bytes) -> None:
        self.hash = _PROTOCOL
        self._chaining_key = _PROTOCOL
        self._cipher = _Cipher(_PROTOCOL)
        self.mix_hash(prologue)

    def mix_hash(self, data: bytes) -> None:
        """Make everything that follows depend on this."""
        self.hash = sha256(self.hash + data).digest()

    def mix_key(self, secret: bytes) -> None:
        """Make the keys depend on a shared secret; counting starts anew."""
        self._chaining_key, key = _expand(self._chaining_key, secret)
        self._cipher = _Cipher(key)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt, bound to all that came before."""
        ciphertext = self._cipher.encrypt(plaintext, self.hash)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Undo `encrypt`; raises InvalidTag."""
        plaintext = self._cipher.decrypt(ciphertext, self.hash)
        self.mix_hash(ciphertext)
        return plaintext

    def split(self) -> tuple[bytes, bytes]:
        """Give the transport keys: the initiator's for sending, then the responder's."""
        return _expand(self._chaining_key, b"")


class Transport:
    """The encryption of an established connection. Frames must pass in the order in which they were sent."""

    def __init__(self, *, sending_key: bytes, receiving_key: bytes) -> None:
        self._sending = _Cipher(sending_key)
        self._receiving = _Cipher(receiving_key)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Give the next frame's body."""
        return self._sending.encrypt(plaintext)

    def decrypt(self, body: bytes) -> bytes:
        """Read the next frame's body; raises NoiseError."""
        try:
            return self._receiving.decrypt(body)
        except InvalidTag as error:
            raise NoiseError("a frame failed to decrypt") from error


class Established(NamedTuple):
    """A finished handshake: the serialized ClientPayload, the client's static public key, the transport."""

    client_payload: bytes
    client_static: bytes
    transport: Transport


class ServerHandshake:
    """One handshake: `answer_hello`, then `finish`. After an error it is of no more use."""

    def __init__(self, static: KeyPair, certificate_chain: bytes) -> None:
        self._static = static
        self._certificate_chain = certificate_chain
        self._ephemeral = KeyPair.generate()
        self._state = SymmetricState(CONNECTION_HEADER)

    def answer_hello(self, body: bytes) -> bytes:
        """Read the client's first frame and give the answer's body; raises HandshakeError."""
        try:
            client_ephemeral = wa6.HandshakeMessage.FromString(body).clientHello.ephemeral
            self._state.mix_hash(client_ephemeral)
            self._state.mix_hash(self._ephemeral.public)
            self._state.mix_key(agree(self._ephemeral.private, client_ephemeral))
            static = self._state.encrypt(self._static.public)
            self._state.mix_key(agree(self._static.private, client_ephemeral))
        except _REFUSED as error:
            raise HandshakeError("no usable client hello") from error
        payload = self._state.encrypt(self._certificate_chain)
        hello = wa6.HandshakeMessage.ServerHello(
            ephemeral=self._ephemeral.public, static=static, payload=payload
        )
        return bytes(wa6.HandshakeMessage(serverHello=hello).SerializeToString())

    def finish(self, body: bytes) -> Established:
        """Read the client's second frame, which authenticates it; raises HandshakeError."""
        try:
            message = wa6.HandshakeMessage.FromString(body).clientFinish
            client_static = self._state.decrypt(message.static)
            self._state.mix_key(agree(self._ephemeral.private, client_static))
            client_payload = self._state.decrypt(message.payload)
        except _REFUSED as error:
            raise HandshakeError("no usable client finish") from error
        receiving_key, sending_key = self._state.split()
        transport = Transport(sending_key=sending_key, receiving_key=receiving_key)
        return Established(client_payload, client_static, transport)


class _Cipher:
    """AES-256-GCM under a counter, that is the last 4 bytes of the nonce."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)
        self._used = 0

    def encrypt(self, plaintext: bytes, associated: bytes | None = None) -> bytes:
        return self._key.encrypt(self._nonce(), plaintext, associated)

    def decrypt(self, ciphertext: bytes, associated: bytes | None = None) -> bytes:
        return self._key.decrypt(self._nonce(), ciphertext, associated)

    def _nonce(self) -> bytes:
        nonce = self._used.to_bytes(_NONCE_SIZE, "big")
        self._used += 1
        return nonce


def _expand(chaining_key: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """HKDF-SHA256 without info, to two keys (Noise specification, section 4.3)."""
    root = hmac.digest(chaining_key, secret, sha256)
    first = hmac.digest(root, b"\x01", sha256)
    return first, hmac.digest(root, first + b"\x02", sha256)
