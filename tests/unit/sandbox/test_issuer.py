"""The certificate chain passes what a client checks (whatsmeow, handshake.go: verifyServerCert)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from infra.sandbox.issuer import NoiseIssuer
from infra.sandbox.protobufs import cert
from infra.sandbox.signal.curve import KeyPair, verify

NOW = datetime(2026, 11, 21, tzinfo=UTC)
DETAILS = cert.CertChain.NoiseCertificate.Details


def test_the_chain_leads_from_the_issuer_to_the_servers_key() -> None:
    root, server = KeyPair.generate(), KeyPair.generate()

    chain = cert.CertChain.FromString(NoiseIssuer(root).certify(server.public, now=NOW))

    intermediate = DETAILS.FromString(chain.intermediate.details)
    leaf = DETAILS.FromString(chain.leaf.details)
    verify(root.public, chain.intermediate.details, chain.intermediate.signature)
    verify(intermediate.key, chain.leaf.details, chain.leaf.signature)
    assert (intermediate.issuerSerial, leaf.issuerSerial) == (0, intermediate.serial)
    assert leaf.key == server.public


def test_the_chain_is_valid_from_a_day_ago_for_clocks_that_are_slow() -> None:
    chain = cert.CertChain.FromString(NoiseIssuer(KeyPair.generate()).certify(bytes(32), now=NOW))

    for raw in (chain.intermediate.details, chain.leaf.details):
        details = DETAILS.FromString(raw)
        assert datetime.fromtimestamp(details.notBefore, UTC) == NOW - timedelta(days=1)
        assert datetime.fromtimestamp(details.notAfter, UTC) == NOW + timedelta(days=365)
