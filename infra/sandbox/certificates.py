"""The sandbox's TLS identity: an authority of its own, and the leaf with WhatsApp's names that it signed.

The authority's private key is thrown away at once, so nobody can ever sign anything else with it.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER_NAMES = ("web.whatsapp.com", "*.whatsapp.com", "*.whatsapp.net")

_LIFETIME = dt.timedelta(days=365)
_MARGIN = dt.timedelta(days=1)  # a clock may be wrong by that, and a server may run that long


class ServerIdentity(msgspec.Struct, frozen=True):
    """What a server shows (`ssl_context`), and the file by which a client believes it (`ca_file`)."""

    ssl_context: ssl.SSLContext
    ca_file: Path


def server_identity(folder: Path, now: dt.datetime) -> ServerIdentity:
    """Give the identity kept in a folder; made there at first, and anew when it has expired or is broken."""
    ca_file, server_file = folder / "ca.pem", folder / "server.pem"
    if not _is_usable(ca_file, server_file, now):
        folder.mkdir(parents=True, exist_ok=True)
        _make(ca_file, server_file, now)
    return ServerIdentity(_server_context(server_file), ca_file)


def _is_usable(ca_file: Path, server_file: Path, now: dt.datetime) -> bool:
    try:
        authority = x509.load_pem_x509_certificate(ca_file.read_bytes())
        pem = server_file.read_bytes()
        leaf = x509.load_pem_x509_certificate(pem)
        leaf.verify_directly_issued_by(authority)
        key = serialization.load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError, InvalidSignature):
        return False
    in_time = leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc - _MARGIN
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        in_time
        and key.public_key() == leaf.public_key()
        and tuple(names.get_values_for_type(x509.DNSName)) == SERVER_NAMES
    )


def _make(ca_file: Path, server_file: Path, now: dt.datetime) -> None:
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = (_named(text) for text in ("Roost sandbox authority", "Roost sandbox"))
    authority = (
        _certificate(ca_name, ca_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .issuer_name(ca_name)
        .sign(ca_key, hashes.SHA256())
    )
    leaf = (
        _certificate(name, key.public_key(), now)
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, SERVER_NAMES)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .issuer_name(ca_name)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _put(server_file, private + leaf.public_bytes(serialization.Encoding.PEM), mode=0o600)
    _put(ca_file, authority.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    name: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _MARGIN)
        .not_valid_after(now + _LIFETIME)
    )


def _put(file: Path, content: bytes, *, mode: int) -> None:
    """Replace a file in one step, so that nobody reads half of it or reads it with a wider mode."""
    draft = file.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(content)
    draft.replace(file)


def _server_context(server_file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_file)
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # Go's client never resumes: tickets would only be written
    return context
