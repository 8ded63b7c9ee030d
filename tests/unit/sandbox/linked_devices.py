"""Linked devices as the network knows them, without a client behind them."""

from __future__ import annotations

from infra.sandbox.network.accounts import LinkedDevice, SignedPrekey
from infra.sandbox.signal.device import DeviceKeys, SignalDevice


def a_linked_device(number: str, device: int = 1) -> LinkedDevice:
    """Give a device that others can start Signal sessions with."""
    bundle = SignalDevice(DeviceKeys.generate()).prekey_bundle(one_time=False)
    return LinkedDevice(
        number=number,
        device=device,
        noise_public=bytes(32),
        identity=bundle.identity,
        registration_id=bundle.registration_id,
        signed_prekey=SignedPrekey(
            bundle.signed_prekey_id, bundle.signed_prekey, bundle.signed_prekey_signature
        ),
        key_index=device,
        platform="test",
        linked_at=1_700_000_000,
    )
