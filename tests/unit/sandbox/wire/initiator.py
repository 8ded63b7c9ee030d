"""The client's side of the Noise handshake, for tests that speak with the server."""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.sandbox.protobufs import wa6
from infra.sandbox.wire.frames import CONNECTION_HEADER


class Client:
    """An initiator written from the Noise specification, sharing no code with the server."""

    def __init__(self, static: X25519PrivateKey | None = None) -> None:
        self.static = static or X25519PrivateKey.generate()
        self.ephemeral = X25519PrivateKey.generate()
        self.hash = self.chaining_key = b"Noise_XX_25519_AESGCM_SHA256".ljust(32, b"\0")
        self.key, self.counter = b"", 0
        self.mix_hash(CONNECTION_HEADER)

    @property
    def public(self) -> bytes:
        return self.static.public_key().public_bytes_raw()

    def mix_hash(self, data: bytes) -> None:
        self.hash = sha256(self.hash + data).digest()

    def derive(self, secret: bytes) -> tuple[bytes, bytes]:
        root = hmac.new(self.chaining_key, secret, sha256).digest()
        first = hmac.new(root, b"\x01", sha256).digest()
        return first, hmac.new(root, first + b"\x02", sha256).digest()

    def mix_key(self, private: X25519PrivateKey, public: bytes) -> None:
        secret = private.exchange(X25519PublicKey.from_public_bytes(public))
        self.chaining_key, self.key = self.derive(secret)
        self.counter = 0

    def nonce(self) -> bytes:
        self.counter += 1
        return bytes(8) + (self.counter - 1).to_bytes(4, "big")

    def encrypt(self, plaintext: bytes) -> bytes:
        ciphertext = AESGCM(self.key).encrypt(self.nonce(), plaintext, self.hash)
        self.mix_hash(ciphertext)
        return ciphertext

    def decrypt(self, ciphertext: bytes) -> bytes:
        plaintext = AESGCM(self.key).decrypt(self.nonce(), ciphertext, self.hash)
        self.mix_hash(ciphertext)
        return plaintext

    def hello(self) -> bytes:
        ephemeral = self.ephemeral.public_key().public_bytes_raw()
        self.mix_hash(ephemeral)
        return message(clientHello={"ephemeral": ephemeral})

    def read_server_hello(self, body: bytes) -> tuple[bytes, bytes]:
        hello = wa6.HandshakeMessage.FromString(body).serverHello
        self.server_ephemeral = hello.ephemeral
        self.mix_hash(hello.ephemeral)
        self.mix_key(self.ephemeral, hello.ephemeral)
        static = self.decrypt(hello.static)
        self.mix_key(self.ephemeral, static)
        return static, self.decrypt(hello.payload)

    def finish(self, payload: bytes) -> bytes:
        static = self.encrypt(self.public)
        self.mix_key(self.static, self.server_ephemeral)
        return message(clientFinish={"static": static, "payload": self.encrypt(payload)})


def message(**parts: dict[str, bytes]) -> bytes:
    return bytes(wa6.HandshakeMessage(**parts).SerializeToString())
