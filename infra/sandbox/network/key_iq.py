"""`encrypt`: prekeys that devices leave at the server and take from each other (whatsmeow, prekeys.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network.accounts import SignedPrekey
from infra.sandbox.network.iq_error import IqError
from infra.sandbox.signal.device import PreKeyBundle
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.contract.jid import Jid
    from infra.sandbox.network.login import Login

DJB_TYPE = b"\x05"
"""libsignal's name for Curve25519 keys."""


def answer(login: Login, iq: Node) -> list[Node]:
    """Count, take in, or hand out prekeys."""
    if iq.find("count") is not None:
        left = len(login.network.directory.shelf(login.device).keys)
        return [Node("count", {"value": str(left)})]
    if (wanted := iq.find("key")) is not None:
        users = [_user(login, user.jid("jid")) for user in wanted.children("user")]
        return [Node("list", {}, users)]
    if iq.find("list") is not None:
        _take_in(login, iq)
        return []
    raise IqError(400, "bad-request")


def bundle_nodes(bundle: PreKeyBundle) -> list[Node]:
    """Write a bundle as the children of `<user>` or, after its registration, of `<keys>`."""
    nodes = [Node("type", {}, DJB_TYPE), Node("identity", {}, bundle.identity)]
    if bundle.prekey_id is not None and bundle.prekey is not None:
        nodes.append(Node("key", {}, _id_and_value(bundle.prekey_id, bundle.prekey)))
    signature = Node("signature", {}, bundle.signed_prekey_signature)
    signed = [*_id_and_value(bundle.signed_prekey_id, bundle.signed_prekey), signature]
    return [*nodes, Node("skey", {}, signed)]


def registration_node(registration_id: int) -> Node:
    """Write a registration id."""
    return Node("registration", {}, registration_id.to_bytes(4, "big"))


def read_bundle(holder: Node) -> PreKeyBundle:
    """Read the bundle inside a retry receipt; raises StanzaError."""
    keys = holder.get("keys")
    key = keys.find("key")
    return PreKeyBundle(
        registration_id=int.from_bytes(holder.data("registration"), "big"),
        identity=keys.data("identity"),
        signed_prekey_id=_number(keys.get("skey")),
        signed_prekey=keys.data("skey", "value"),
        signed_prekey_signature=keys.data("skey", "signature"),
        prekey_id=None if key is None else _number(key),
        prekey=None if key is None else key.data("value"),
    )


def _user(login: Login, jid: Jid) -> Node:
    if (bundle := login.network.bundle(jid)) is None:
        return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
    return Node("user", {"jid": jid}, [registration_node(bundle.registration_id), *bundle_nodes(bundle)])


def _take_in(login: Login, iq: Node) -> None:
    keys = {_number(key): key.data("value") for key in iq.get("list").children("key")}
    signed = iq.get("skey")
    login.device.signed_prekey = SignedPrekey(_number(signed), signed.data("value"), signed.data("signature"))
    login.network.directory.changed(login.device)
    login.network.directory.stock(login.device, keys)


def _id_and_value(key_id: int, public: bytes) -> list[Node]:
    return [Node("id", {}, key_id.to_bytes(3, "big")), Node("value", {}, public)]


def _number(key: Node) -> int:
    return int.from_bytes(key.data("id"), "big")
