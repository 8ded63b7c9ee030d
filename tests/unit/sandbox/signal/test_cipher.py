"""AES-256-CBC and the two paddings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.signal.cipher import decrypt, encrypt, pad, unpad
from infra.sandbox.signal.errors import SignalFormatError

KEY, IV = bytes(range(32)), bytes(16)


def test_it_encrypts_as_nist_does() -> None:
    # NIST SP 800-38A, F.2.5, first block.
    key = bytes.fromhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    plaintext = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")

    ciphertext = encrypt(key, bytes(range(16)), plaintext)

    assert ciphertext[:16].hex() == "f58c4c04d6e5f1ba779eabfb5f7bfbd6"


@given(plaintext=st.binary(max_size=100))
def test_decrypting_undoes_encrypting(plaintext: bytes) -> None:
    ciphertext = encrypt(KEY, IV, plaintext)

    assert decrypt(KEY, IV, ciphertext) == plaintext


@given(ciphertext=st.binary(max_size=100))
def test_any_bytes_decrypt_or_are_refused_by_name(ciphertext: bytes) -> None:
    try:
        plaintext = decrypt(KEY, IV, ciphertext)
    except SignalFormatError:
        return

    assert encrypt(KEY, IV, plaintext) == ciphertext


@given(message=st.binary(max_size=100))
def test_padding_adds_1_to_15_equal_bytes_and_comes_off(message: bytes) -> None:
    padded = pad(message)

    padding = padded[len(message) :]
    assert 1 <= len(padding) <= 15
    assert set(padding) == {len(padding)}
    assert unpad(padded) == message


@pytest.mark.parametrize("plaintext", [b"", b"\x00", b"a\x10", b"\x10" * 16, b"\x02", b"a\x01\x02"])
def test_damaged_padding_is_refused(plaintext: bytes) -> None:
    with pytest.raises(SignalFormatError):
        unpad(plaintext)
