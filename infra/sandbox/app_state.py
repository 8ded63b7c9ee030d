"""App state: the account's small facts (push name, contacts, archived chats) that phone and client share.

A collection is a chain of patches. Each patch proves with its MACs which set of values stands after it,
so whoever holds the key checks the server. Here the phone's side and the server's are one.
Source: whatsmeow, folder `appstate`. The errors:

    AppStateError
    ├── ConflictError       the server's error 409
    ├── UnknownKeyError
    ├── MacError
    └── MalformedPatchError
"""

from __future__ import annotations

import hmac
import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from google.protobuf.message import DecodeError

from infra.sandbox.lt_hash import EMPTY, lt_hash
from infra.sandbox.protobufs import server_sync, sync_action
from infra.sandbox.signal import cipher
from infra.sandbox.signal.errors import SignalFormatError
from infra.sandbox.signal.kdf import hkdf, hmac_sha256

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAC_BYTES = 32
_IV_BYTES = 16


class AppStateError(Exception):
    """A client's patch cannot be taken."""


class ConflictError(AppStateError):
    """The patch builds on another version than the collection's: the client must fetch what it lacks."""


class UnknownKeyError(AppStateError):
    """The patch was made with a key that is not this account's."""


class MacError(AppStateError):
    """A MAC of the patch is wrong: it was changed on its way, or builds on other values."""


class MalformedPatchError(AppStateError):
    """The patch is not what its protobuf, its encryption or its index promises."""


class _ExpandedKeys(msgspec.Struct, frozen=True):
    index: bytes
    value_encryption: bytes
    value_mac: bytes
    snapshot_mac: bytes
    patch_mac: bytes


class AppStateKey(msgspec.Struct, frozen=True, dict=True):
    """The account's key to its app state: a 6-byte id, known to the server, and 32 secret bytes."""

    id: bytes
    data: bytes

    @classmethod
    def generate(cls) -> AppStateKey:
        """Make a new key, as the phone of a new account does."""
        return cls(id=b"\x00\x01" + os.urandom(4), data=os.urandom(32))

    @cached_property
    def expanded(self) -> _ExpandedKeys:
        """The five keys for the five uses (whatsmeow, appstate/keys.go)."""
        material = hkdf(self.data, b"WhatsApp Mutation Keys", 160)
        return _ExpandedKeys(*(material[start : start + 32] for start in range(0, 160, 32)))


class Mutation(msgspec.Struct, frozen=True):
    """One value set, or removed. `value` is a `SyncActionValue`, `index` names it, as ("contact", jid)."""

    index: tuple[str, ...]
    value: Any
    version: int
    removes: bool = False


class Standing(msgspec.Struct, frozen=True):
    """What stands after a patch: one value MAC per index MAC, and the LTHash over these value MACs."""

    name: str
    version: int = 0
    lt_hash: bytes = EMPTY
    value_macs: dict[bytes, bytes] = {}

    def after(self, patch: Any) -> Standing:
        """Give what stands when the mutations of a `SyncdPatch` are done (whatsmeow, appstate/hash.go)."""
        value_macs = dict(self.value_macs)
        added, removed = [], []
        for mutation in patch.mutations:
            index_mac = mutation.record.index.blob
            if (replaced := value_macs.pop(index_mac, None)) is not None:
                removed.append(replaced)
            if mutation.operation == server_sync.SyncdMutation.SET:
                value_macs[index_mac] = _value_mac(mutation)
                added.append(value_macs[index_mac])
        return Standing(
            self.name, self.version + 1, lt_hash(self.lt_hash, added=added, removed=removed), value_macs
        )

    def snapshot_mac(self, key: AppStateKey) -> bytes:
        """Give the proof of all values that stand."""
        return hmac_sha256(key.expanded.snapshot_mac, self.lt_hash + self._position())

    def patch_mac(self, patch: Any, key: AppStateKey) -> bytes:
        """Give the proof of the patch that led here; its snapshot MAC must be set."""
        value_macs = b"".join(map(_value_mac, patch.mutations))
        return hmac_sha256(key.expanded.patch_mac, patch.snapshotMAC + value_macs + self._position())

    def _position(self) -> bytes:
        return _u64(self.version) + self.name.encode()


class Collection(msgspec.Struct):
    """One collection of an account: every patch since the first, as `SyncdPatch` bytes, and what stands."""

    standing: Standing
    patches: list[bytes] = []

    @classmethod
    def empty(cls, name: str) -> Collection:
        """Give the collection of a new account, at version 0."""
        return cls(Standing(name))

    @property
    def version(self) -> int:
        """The number of patches so far."""
        return self.standing.version

    def patches_since(self, version: int) -> list[bytes]:
        """Give the patches that a client at this version lacks, oldest first."""
        return self.patches[version:]

    def append_own(self, mutations: Iterable[Mutation], key: AppStateKey) -> None:
        """Add one patch of the phone's own."""
        patch = server_sync.SyncdPatch(keyID={"ID": key.id})
        patch.mutations.extend(_sealed(mutation, key) for mutation in mutations)
        standing = self.standing.after(patch)
        patch.snapshotMAC = standing.snapshot_mac(key)
        patch.patchMAC = standing.patch_mac(patch, key)
        self._append(patch, standing)

    def accept_client_patch(self, data: bytes, base_version: int, key: AppStateKey) -> list[Mutation]:
        """Check and add a client's patch; give what it says. An AppStateError changes nothing."""
        if base_version != self.version:
            raise ConflictError(f"{self.standing.name} stands at {self.version}, not at {base_version}")
        patch = _parsed(data)
        if key.id != patch.keyID.ID:
            raise UnknownKeyError(f"the key {patch.keyID.ID.hex()} is not this account's")

        standing = self.standing.after(patch)
        _check(patch.snapshotMAC, standing.snapshot_mac(key), "the snapshot")
        _check(patch.patchMAC, standing.patch_mac(patch, key), "the patch")
        mutations = [_opened(mutation, key) for mutation in patch.mutations]

        self._append(patch, standing)
        return mutations

    def _append(self, patch: Any, standing: Standing) -> None:
        patch.version.version = standing.version
        self.patches.append(patch.SerializeToString())
        self.standing = standing


def _sealed(mutation: Mutation, key: AppStateKey) -> Any:
    index = msgspec.json.encode(mutation.index)
    action = sync_action.SyncActionData(
        index=index, value=mutation.value, padding=b"", version=mutation.version
    )
    operation = server_sync.SyncdMutation.REMOVE if mutation.removes else server_sync.SyncdMutation.SET
    iv = os.urandom(_IV_BYTES)
    blob = iv + cipher.encrypt(key.expanded.value_encryption, iv, action.SerializeToString())
    record = {
        "index": {"blob": hmac_sha256(key.expanded.index, index)},
        "value": {"blob": blob + _content_mac(operation, blob, key)},
        "keyID": {"ID": key.id},
    }
    return server_sync.SyncdMutation(operation=operation, record=record)


def _opened(mutation: Any, key: AppStateKey) -> Mutation:
    blob = mutation.record.value.blob[:-_MAC_BYTES]
    _check(_value_mac(mutation), _content_mac(mutation.operation, blob, key), "a value")
    try:
        plaintext = cipher.decrypt(key.expanded.value_encryption, blob[:_IV_BYTES], blob[_IV_BYTES:])
        action = sync_action.SyncActionData.FromString(plaintext)
        index = msgspec.json.decode(action.index, type=tuple[str, ...])
    except (SignalFormatError, DecodeError, msgspec.DecodeError) as error:
        raise MalformedPatchError("a value of the patch is not a SyncActionData") from error
    _check(mutation.record.index.blob, hmac_sha256(key.expanded.index, action.index), "an index")
    removes = mutation.operation == server_sync.SyncdMutation.REMOVE
    return Mutation(index, action.value, action.version, removes)


def _parsed(data: bytes) -> Any:
    try:
        return server_sync.SyncdPatch.FromString(data)
    except DecodeError as error:
        raise MalformedPatchError("this is no SyncdPatch") from error


def _value_mac(mutation: Any) -> bytes:
    mac: bytes = mutation.record.value.blob[-_MAC_BYTES:]
    return mac


def _content_mac(operation: int, blob: bytes, key: AppStateKey) -> bytes:
    # The trailing number counts the operation's byte and the key id: the MAC's associated data.
    data = bytes([operation + 1]) + key.id + blob + _u64(len(key.id) + 1)
    return hmac.digest(key.expanded.value_mac, data, "sha512")[:_MAC_BYTES]


def _u64(number: int) -> bytes:
    return number.to_bytes(8, "big")


def _check(claimed: bytes, actual: bytes, what: str) -> None:
    if not hmac.compare_digest(claimed, actual):
        raise MacError(f"the MAC of {what} is wrong")
