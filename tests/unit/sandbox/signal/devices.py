"""Devices at the points where the tests begin."""

from __future__ import annotations

import msgspec

from infra.sandbox.signal.device import DeviceKeys, SignalDevice


def a_device() -> SignalDevice:
    return SignalDevice(DeviceKeys.generate())


def two_devices() -> tuple[SignalDevice, SignalDevice]:
    """Give Alice, who has started a session with Bob, and Bob."""
    alice, bob = a_device(), a_device()
    alice.start_session("bob", bob.prekey_bundle())
    return alice, bob


def two_who_have_talked() -> tuple[SignalDevice, SignalDevice]:
    alice, bob = two_devices()
    bob.decrypt("alice", alice.encrypt("bob", b"ping"))
    alice.decrypt("bob", bob.encrypt("alice", b"pong"))
    return alice, bob


def stored(device: SignalDevice) -> bytes:
    return msgspec.msgpack.encode([device.keys, device.sessions])
