"""How WhatsApp encrypts a file before a media host sees it, and how the receiver opens and checks it.

Source: whatsmeow, `upload.go` and `download.go`. The errors:

    MediaError
    ├── MediaHashError
    └── MediaMacError
"""

from __future__ import annotations

import hmac
import os
from enum import StrEnum
from hashlib import sha256

import msgspec

from infra.sandbox.signal import cipher
from infra.sandbox.signal.errors import SignalFormatError
from infra.sandbox.signal.kdf import hkdf

MEDIA_KEY_BYTES = 32

_MAC_BYTES = 10
_EXPANDED_BYTES = 112


class MediaError(Exception):
    """A downloaded file is not what its message promised."""


class MediaHashError(MediaError):
    """The file, or its plaintext, has another SHA-256 than the message says."""


class MediaMacError(MediaError):
    """The file was not encrypted with this media key."""


class MediaKind(StrEnum):
    """What a file is; the value separates the keys of one kind from those of another."""

    IMAGE = "WhatsApp Image Keys"
    STICKER = IMAGE  # to the media hosts a sticker is an image
    VIDEO = "WhatsApp Video Keys"
    AUDIO = "WhatsApp Audio Keys"
    DOCUMENT = "WhatsApp Document Keys"
    HISTORY = "WhatsApp History Keys"
    APP_STATE = "WhatsApp App State Keys"


class EncryptedMedia(msgspec.Struct, frozen=True):
    """A file ready for upload in `body`; the rest is what its message must tell the receiver."""

    body: bytes
    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    file_length: int


class _Keys(msgspec.Struct, frozen=True):
    iv: bytes
    cipher: bytes
    mac: bytes

    @classmethod
    def expand(cls, media_key: bytes, kind: MediaKind) -> _Keys:
        data = hkdf(media_key, kind.encode(), _EXPANDED_BYTES)
        return cls(data[:16], data[16:48], data[48:80])

    def mac_of(self, ciphertext: bytes) -> bytes:
        return hmac.digest(self.mac, self.iv + ciphertext, "sha256")[:_MAC_BYTES]


def encrypt(plaintext: bytes, kind: MediaKind) -> EncryptedMedia:
    """Encrypt a file under a media key of its own."""
    media_key = os.urandom(MEDIA_KEY_BYTES)
    keys = _Keys.expand(media_key, kind)

    ciphertext = cipher.encrypt(keys.cipher, keys.iv, plaintext)
    body = ciphertext + keys.mac_of(ciphertext)

    return EncryptedMedia(
        body, media_key, sha256(plaintext).digest(), sha256(body).digest(), file_length=len(plaintext)
    )


def decrypt(
    body: bytes, kind: MediaKind, *, media_key: bytes, file_sha256: bytes, file_enc_sha256: bytes
) -> bytes:
    """Give the plaintext of a downloaded file; raises MediaError."""
    if sha256(body).digest() != file_enc_sha256:
        raise MediaHashError("the encrypted file is not the one that the message names")
    keys = _Keys.expand(media_key, kind)
    ciphertext, mac = body[:-_MAC_BYTES], body[-_MAC_BYTES:]
    if not hmac.compare_digest(keys.mac_of(ciphertext), mac):
        raise MediaMacError("the file was encrypted with another key")

    try:
        plaintext = cipher.decrypt(keys.cipher, keys.iv, ciphertext)
    except SignalFormatError as error:
        raise MediaError("the sender padded the file wrongly") from error
    if sha256(plaintext).digest() != file_sha256:
        raise MediaHashError("the plaintext is not the one that the message names")
    return plaintext
