"""How a phone links a device: by its QR, or by typing its code (whatsmeow, pair.go and pair-code.go).

    LinkingError
    ├── BadCodeError
    ├── ExpiredCodeError
    ├── NoCodeOfferedError
    ├── WrongCodeError
    └── BadCountersignatureError

What the device does wrong ends in `LinkingRefusedError`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError

from infra.sandbox.protobufs import adv
from infra.sandbox.signal.curve import KeyPair, agree, sign, verify
from infra.sandbox.signal.errors import BadSignatureError, InvalidKeyError
from infra.sandbox.signal.kdf import hkdf
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import LinkedDevice
    from infra.sandbox.network.registration import CodeOffer, Registration
    from infra.sandbox.phones.phone import Phone

_QR_PREFIX = "https://wa.me/settings/linked_devices#"
_CODE = re.compile(r"[1-9A-HJ-NP-TV-Z]{8}")
_PBKDF2_ROUNDS = 131072
_SALT, _COUNTER, _NONCE, _KEY = 32, 16, 12, 32


class LinkingError(Exception):
    """The phone could not link the device."""


class BadCodeError(LinkingError):
    """This is no QR text or pairing code of WhatsApp's."""


class ExpiredCodeError(LinkingError):
    """No device shows this QR any more: it expired, was used, or its device hung up."""


class NoCodeOfferedError(LinkingError):
    """No device shows a pairing code for this number now."""


class WrongCodeError(LinkingError):
    """This is not the code that the device shows."""


class BadCountersignatureError(LinkingError):
    """The device did not sign its identity with the key that it showed."""


class QrCode(msgspec.Struct, frozen=True):
    """What a QR says."""

    ref: str
    noise_public: bytes
    identity: bytes
    adv_secret: bytes

    @classmethod
    def parse(cls, text: str) -> QrCode:
        """Read a QR's text, with or without the link before it; raises BadCodeError."""
        parts = text.strip().removeprefix(_QR_PREFIX).split(",")
        if len(parts) not in {4, 5}:
            raise BadCodeError(f"a QR's text has 4 or 5 parts between commas, this has {len(parts)}")
        try:
            keys = [b64decode(part, validate=True) for part in parts[1:4]]
        except ValueError as error:  # no ASCII, or no base64
            raise BadCodeError("a key in the QR's text is not base64") from error
        if any(len(key) != _KEY for key in keys):
            raise BadCodeError("a key in the QR's text has not 32 bytes")
        return cls(parts[0], *keys)


async def scan(phone: Phone, text: str) -> LinkedDevice:
    """Link the device that shows this QR; raises LinkingError and LinkingRefusedError."""
    code = QrCode.parse(text)
    registration = _showing(phone, code.ref)
    shown = registration.companion
    if (code.noise_public, code.identity) != (shown.noise_public, shown.identity):
        raise BadCodeError("the keys in the QR are not those of the device that shows it")
    async with registration.turn:
        _showing(phone, code.ref)
        return await _link(phone, registration, code.adv_secret)


async def enter_code(phone: Phone, text: str) -> LinkedDevice:
    """Link the device that shows this pairing code; raises LinkingError and LinkingRefusedError."""
    code = text.strip().upper().replace("-", "").replace(" ", "")
    if _CODE.fullmatch(code) is None:
        raise BadCodeError("a pairing code has 8 letters and digits, as ABCD-1234, without 0, I, O and U")
    registration = _offer(phone).registration
    async with registration.turn:
        return await _link(phone, registration, await _exchange_code(phone, _offer(phone), code))


def _showing(phone: Phone, ref: str) -> Registration:
    if (registration := phone.network.registrations.get(ref)) is None:
        raise ExpiredCodeError("no device shows this QR: it expired, was used, or its device has gone")
    return registration


def _offer(phone: Phone) -> CodeOffer:
    if (offer := phone.network.code_offers.get(phone.account.number)) is None:
        raise NoCodeOfferedError(f"no device shows a pairing code for {phone.account.number}")
    return offer


async def _exchange_code(phone: Phone, offer: CodeOffer, code: str) -> bytes:
    """Give the secret that only a device with the same code can share; raises WrongCodeError."""
    identity, ephemeral = phone.keyring.keys.identity, KeyPair.generate()
    theirs = await asyncio.to_thread(_unwrap, offer.wrapped_ephemeral, code)
    wrapped = await asyncio.to_thread(_wrap, ephemeral.public, code)
    hello = [
        Node("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
        Node("primary_identity_pub", {}, identity.public),
        Node("link_code_pairing_ref", {}, offer.ref),
    ]
    bundle = await offer.registration.key_bundle(hello)
    try:
        shared = agree(ephemeral.private, theirs)
        companion_identity, random = _open_bundle(bundle, shared)
        secret = shared + agree(identity.private, companion_identity) + random
    except (InvalidTag, InvalidKeyError) as error:
        raise WrongCodeError("the device shows another code") from error
    return hkdf(secret, b"adv_secret", 32)


def _open_bundle(bundle: bytes, shared: bytes) -> tuple[bytes, bytes]:
    salt, nonce, sealed = bundle[:_SALT], bundle[_SALT : _SALT + _NONCE], bundle[_SALT + _NONCE :]
    key = hkdf(shared, b"link_code_pairing_key_bundle_encryption_key", _KEY, salt=salt)
    opened = AESGCM(key).decrypt(nonce, sealed, None)
    return opened[:_KEY], opened[2 * _KEY :]


def _wrap(public: bytes, code: str) -> bytes:
    salt, counter = secrets.token_bytes(_SALT), secrets.token_bytes(_COUNTER)
    return salt + counter + _code_cipher(code, salt, counter, public)


def _unwrap(wrapped: bytes, code: str) -> bytes:
    salt, counter = wrapped[:_SALT], wrapped[_SALT : _SALT + _COUNTER]
    return _code_cipher(code, salt, counter, wrapped[_SALT + _COUNTER :])


def _code_cipher(code: str, salt: bytes, counter: bytes, data: bytes) -> bytes:
    key = hashlib.pbkdf2_hmac("sha256", code.encode(), salt, _PBKDF2_ROUNDS, _KEY)
    return Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor().update(data)


async def _link(phone: Phone, registration: Registration, adv_secret: bytes) -> LinkedDevice:
    account, identity = phone.account, phone.keyring.keys.identity
    device = phone.network.directory.reserve_device(account)
    details = adv.ADVDeviceIdentity(
        rawID=secrets.randbits(31), timestamp=int(time.time()), keyIndex=device
    ).SerializeToString()
    box = _identity_box(identity, details, registration.companion.identity, adv_secret)
    countersigned = await registration.offer(
        box, pn=account.pn.with_device(device), lid=account.lid.with_device(device)
    )
    _check_countersignature(countersigned, details, registration.companion.identity, identity.public)
    return registration.link(account, device, key_index=device)


def _identity_box(identity: KeyPair, details: bytes, companion: bytes, adv_secret: bytes) -> bytes:
    signed = adv.ADVSignedDeviceIdentity(
        details=details,
        accountSignatureKey=identity.public,
        accountSignature=sign(identity.private, b"\x06\x00" + details + companion),
    ).SerializeToString()
    mac = hmac.digest(adv_secret, signed, "sha256")
    box: Any = adv.ADVSignedDeviceIdentityHMAC(details=signed, HMAC=mac)
    return bytes(box.SerializeToString())


def _check_countersignature(
    countersigned: bytes, details: bytes, companion: bytes, account_key: bytes
) -> None:
    try:
        signature = adv.ADVSignedDeviceIdentity.FromString(countersigned).deviceSignature
        verify(companion, b"\x06\x01" + details + companion + account_key, signature)
    except (DecodeError, BadSignatureError) as error:
        raise BadCountersignatureError("the device's signature over its identity is wrong") from error
