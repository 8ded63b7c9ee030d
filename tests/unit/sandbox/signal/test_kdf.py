"""Key derivation: RFC 5869's cases, and a chain step of libsignal's tests."""

from __future__ import annotations

import pytest

from infra.sandbox.signal.kdf import chain_step, hkdf


@pytest.mark.parametrize(
    ("secret", "salt", "info", "derived"),
    [
        (
            b"\x0b" * 22,
            bytes(range(13)),
            bytes(range(0xF0, 0xFA)),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)),
            bytes(range(0x60, 0xB0)),
            bytes(range(0xB0, 0x100)),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e",
        ),
        (
            b"\x0b" * 22,
            None,
            b"",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf_gives_what_rfc_5869_gives(secret: bytes, salt: bytes | None, info: bytes, derived: str) -> None:
    length = len(derived) // 2

    assert hkdf(secret, info, length, salt).hex() == derived


def test_a_chain_steps_as_libsignals_does() -> None:
    # libsignal-protocol-c, test_ratchet.c, test_chain_key_derivation_v3.
    key = bytes.fromhex("8ab72d6f4cc5ac0d387eaf463378ddb28edd07385b1cb01250c715982e7ad48f")

    seed, next_key = chain_step(key)

    cipher_and_mac_key = hkdf(seed, b"WhisperMessageKeys", 80)[:64]
    assert cipher_and_mac_key.hex() == (
        "bf51e9d75e0e31031051f82a2491ffc084fa298b7793bd9db620056febf45217"
        "c6c77d6a73a354337a56435e34607dfe48e3ace14e77314dc6abc172e7a7030b"
    )
    assert next_key.hex() == "28e8f8fee54b801eef7c5cfb2f17f32c7b334485bbb70fac6ec10342a246d15d"
