"""AES-256-CBC, and the two paddings around a message: PKCS#7's and, inside it, WhatsApp's own."""

from __future__ import annotations

import secrets

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from infra.sandbox.signal.errors import SignalFormatError

_BLOCK = 16
_LONGEST_PAD = 15


def encrypt(key: bytes, iv: bytes, plaintext: bytes) -> bytes:
    """Encrypt with AES-256-CBC and PKCS#7: 1 to 16 bytes longer than the plaintext."""
    encryptor = Cipher(AES256(key), CBC(iv)).encryptor()
    return encryptor.update(_padded(plaintext, _BLOCK - len(plaintext) % _BLOCK)) + encryptor.finalize()


def decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """Undo `encrypt`; raises SignalFormatError."""
    if not ciphertext or len(ciphertext) % _BLOCK:
        raise SignalFormatError("the ciphertext is not whole blocks")
    decryptor = Cipher(AES256(key), CBC(iv)).decryptor()
    return _unpadded(decryptor.update(ciphertext) + decryptor.finalize(), _BLOCK)


def pad(message: bytes) -> bytes:
    """Hide a message's length: 1 to 15 bytes that each tell their count (whatsmeow, message.go)."""
    return _padded(message, 1 + secrets.randbelow(_LONGEST_PAD))


def unpad(plaintext: bytes) -> bytes:
    """Undo `pad`; raises SignalFormatError."""
    return _unpadded(plaintext, _LONGEST_PAD)


def _padded(data: bytes, count: int) -> bytes:
    return data + bytes((count,)) * count


def _unpadded(data: bytes, longest: int) -> bytes:
    count = data[-1] if data else 0
    if not 1 <= count <= longest or not data.endswith(bytes((count,)) * count):
        raise SignalFormatError("the padding is damaged")
    return data[:-count]
