"""Media encryption: what goes in comes out, and nothing changed does."""

from __future__ import annotations

import hmac
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.media_crypto import (
    EncryptedMedia,
    MediaError,
    MediaHashError,
    MediaKind,
    MediaMacError,
    decrypt,
    encrypt,
)


def opened(media: EncryptedMedia, kind: MediaKind, body: bytes | None = None) -> bytes:
    """Decrypt a body as a receiver whose message names that very body."""
    body = media.body if body is None else body
    return decrypt(
        body,
        kind,
        media_key=media.media_key,
        file_sha256=media.file_sha256,
        file_enc_sha256=sha256(body).digest(),
    )


@given(plaintext=st.binary(max_size=200), kind=st.sampled_from(MediaKind))
def test_decrypting_gives_what_was_encrypted(plaintext: bytes, kind: MediaKind) -> None:
    media = encrypt(plaintext, kind)

    assert opened(media, kind) == plaintext
    assert media.file_length == len(plaintext)
    assert media.file_enc_sha256 == sha256(media.body).digest()


@given(plaintext=st.binary(max_size=60), position=st.integers(min_value=0), flip=st.integers(1, 255))
def test_any_changed_byte_is_detected_by_the_mac(plaintext: bytes, position: int, flip: int) -> None:
    media = encrypt(plaintext, MediaKind.IMAGE)
    body = bytearray(media.body)
    body[position % len(body)] ^= flip

    with pytest.raises(MediaMacError):
        opened(media, MediaKind.IMAGE, bytes(body))


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11])
def test_a_file_too_short_for_any_content_is_detected(length: int) -> None:
    media = encrypt(b"hello", MediaKind.IMAGE)

    with pytest.raises(MediaMacError):
        opened(media, MediaKind.IMAGE, media.body[:length])


def test_another_file_than_the_message_names_is_detected() -> None:
    media, other = encrypt(b"hello", MediaKind.VIDEO), encrypt(b"hello", MediaKind.VIDEO)

    with pytest.raises(MediaHashError):
        decrypt(
            other.body,
            MediaKind.VIDEO,
            media_key=media.media_key,
            file_sha256=media.file_sha256,
            file_enc_sha256=media.file_enc_sha256,
        )


def test_another_plaintext_than_the_message_names_is_detected() -> None:
    media = encrypt(b"hello", MediaKind.VIDEO)

    with pytest.raises(MediaHashError):
        decrypt(
            media.body,
            MediaKind.VIDEO,
            media_key=media.media_key,
            file_sha256=sha256(b"goodbye").digest(),
            file_enc_sha256=media.file_enc_sha256,
        )


def test_the_keys_of_one_kind_do_not_open_another() -> None:
    media = encrypt(b"hello", MediaKind.IMAGE)

    with pytest.raises(MediaMacError):
        opened(media, MediaKind.AUDIO)


def test_a_sticker_is_encrypted_as_an_image() -> None:
    media = encrypt(b"webp", MediaKind.STICKER)

    assert opened(media, MediaKind.IMAGE) == b"webp"


def expanded_by_hand(media_key: bytes, info: bytes) -> bytes:
    """Expand a media key: HKDF-SHA256 without salt (whatsmeow, download.go, getMediaKeys)."""
    pseudorandom_key = hmac.digest(bytes(32), media_key, "sha256")
    block, material = b"", b""
    for number in range(1, 5):
        block = hmac.digest(pseudorandom_key, block + info + bytes([number]), "sha256")
        material += block
    return material


def test_the_mac_covers_iv_and_ciphertext() -> None:
    media = encrypt(b"hello", MediaKind.DOCUMENT)
    material = expanded_by_hand(media.media_key, b"WhatsApp Document Keys")

    ciphertext, mac = media.body[:-10], media.body[-10:]

    assert mac == hmac.digest(material[48:80], material[:16] + ciphertext, "sha256")[:10]


def test_a_ciphertext_that_its_sender_made_wrongly_is_a_media_error() -> None:
    media = encrypt(b"hello", MediaKind.AUDIO)
    material = expanded_by_hand(media.media_key, b"WhatsApp Audio Keys")
    odd = b"seven!!"

    with pytest.raises(MediaError):
        opened(media, MediaKind.AUDIO, odd + hmac.digest(material[48:80], material[:16] + odd, "sha256")[:10])
