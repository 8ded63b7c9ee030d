"""What a phone writes into app state, in which collection, and how it gives a client the key to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra.sandbox.app_state import AppStateKey, Mutation
from infra.sandbox.protobufs import e2e, sync_action

if TYPE_CHECKING:
    from datetime import datetime

    from infra.contract.jid import Jid

PUSH_NAME_COLLECTION = "critical_block"
CONTACT_COLLECTION = "critical_unblock_low"
COLLECTIONS = (PUSH_NAME_COLLECTION, CONTACT_COLLECTION, "regular_high", "regular", "regular_low")

PUSH_NAME_INDEX = ("setting_pushName",)


def push_name(name: str, at: datetime) -> Mutation:
    """Build the owner's push name, for PUSH_NAME_COLLECTION."""
    value = sync_action.SyncActionValue(timestamp=_milliseconds(at), pushNameSetting={"name": name})
    return Mutation(PUSH_NAME_INDEX, value, version=1)


def contact(pn: Jid, lid: Jid, name: str, at: datetime) -> Mutation:
    """Build an entry of the owner's address book, for CONTACT_COLLECTION."""
    action = {"fullName": name, "firstName": name.partition(" ")[0], "lidJID": str(lid)}
    value = sync_action.SyncActionValue(timestamp=_milliseconds(at), contactAction=action)
    return Mutation(("contact", str(pn)), value, version=2)


def key_share(key: AppStateKey, at: datetime) -> Any:
    """Build the peer `Message` by which the phone gives a client the key (whatsmeow, message.go)."""
    key_data = {
        "keyData": key.data,
        "fingerprint": {"rawID": 1, "currentIndex": 0, "deviceIndexes": [0]},
        "timestamp": _milliseconds(at),
    }
    share = {"keys": [{"keyID": {"keyID": key.id}, "keyData": key_data}]}
    return e2e.Message(protocolMessage={"type": "APP_STATE_SYNC_KEY_SHARE", "appStateSyncKeyShare": share})


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
