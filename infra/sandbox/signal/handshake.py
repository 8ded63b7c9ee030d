"""X3DH: how a session begins out of prekeys, while only one of the two devices is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.signal.chain import Chain
from infra.sandbox.signal.curve import KeyPair, agree
from infra.sandbox.signal.kdf import hkdf
from infra.sandbox.signal.ratchet import PendingPreKey, SessionState

if TYPE_CHECKING:
    from infra.sandbox.signal.keys import PreKeyBundle
    from infra.sandbox.signal.messages import PreKeySignalMessage

_DISCONTINUITY = b"\xff" * 32


def initiate(identity: KeyPair, bundle: PreKeyBundle, base: KeyPair, ratchet: KeyPair) -> SessionState:
    """Give the state of the device that writes first, from two fresh pairs; raises InvalidKeyError.

    The bundle's signature is checked by whoever accepts it. Source: libsignal, ratchet/Ratchet.go.
    """
    agreed = [
        agree(identity.private, bundle.signed_prekey),
        agree(base.private, bundle.identity),
        agree(base.private, bundle.signed_prekey),
    ]
    if bundle.prekey is not None:
        agreed.append(agree(base.private, bundle.prekey))
    root, chain_key = _first_keys(agreed)
    return SessionState(
        identity=identity.public,
        peer_identity=bundle.identity,
        base_key=base.public,
        root=root,
        ratchet=base,
        sending=None,
        receiving={bundle.signed_prekey: Chain(chain_key)},
        pending=PendingPreKey(bundle.signed_prekey_id, bundle.prekey_id),
    ).turned(ratchet)


def respond(
    identity: KeyPair, message: PreKeySignalMessage, signed_prekey: KeyPair, prekey: KeyPair | None
) -> SessionState:
    """Give the state of the device that was written to; raises InvalidKeyError.

    Nothing tells yet that the writer holds the keys it claims: that shows when its message decrypts.
    """
    agreed = [
        agree(signed_prekey.private, message.identity),
        agree(identity.private, message.base_key),
        agree(signed_prekey.private, message.base_key),
    ]
    if prekey is not None:
        agreed.append(agree(prekey.private, message.base_key))
    root, chain_key = _first_keys(agreed)
    return SessionState(
        identity=identity.public,
        peer_identity=message.identity,
        base_key=message.base_key,
        root=root,
        ratchet=signed_prekey,
        sending=Chain(chain_key),
        receiving={},
    )


def _first_keys(agreed: list[bytes]) -> tuple[bytes, bytes]:
    derived = hkdf(_DISCONTINUITY + b"".join(agreed), b"WhisperText", 64)
    return derived[:32], derived[32:]
