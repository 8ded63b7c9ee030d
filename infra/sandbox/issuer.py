"""The issuer of the certificates by which a client knows the server's Noise key (whatsmeow, handshake.go).

The client trusts the issuer's public key, so the process that runs neonize must be told this one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from infra.sandbox.protobufs import cert
from infra.sandbox.signal.curve import KeyPair, sign

if TYPE_CHECKING:
    from datetime import datetime

_ROOT, _INTERMEDIATE, _LEAF = 0, 1, 2
_SLACK = timedelta(days=1)
_LIFETIME = timedelta(days=365)


class NoiseIssuer(msgspec.Struct, frozen=True):
    """Signs for servers with the key pair that plays WhatsApp's root."""

    root: KeyPair

    def certify(self, server_static: bytes, *, now: datetime) -> bytes:
        """Give the serialized CertChain of a server's static public key, valid for a year."""
        intermediate = KeyPair.generate()
        middle = _details(intermediate.public, now, issuerSerial=_ROOT, serial=_INTERMEDIATE)
        leaf = _details(server_static, now, issuerSerial=_INTERMEDIATE, serial=_LEAF)
        chain = cert.CertChain(intermediate=_signed(self.root, middle), leaf=_signed(intermediate, leaf))
        return bytes(chain.SerializeToString())


def _details(key: bytes, now: datetime, **serials: int) -> bytes:
    not_before, not_after = (int(moment.timestamp()) for moment in (now - _SLACK, now + _LIFETIME))
    details = cert.CertChain.NoiseCertificate.Details(
        key=key, notBefore=not_before, notAfter=not_after, **serials
    )
    return bytes(details.SerializeToString())


def _signed(signer: KeyPair, details: bytes) -> Any:
    return cert.CertChain.NoiseCertificate(details=details, signature=sign(signer.private, details))
