"""`encrypt`: prekeys that devices leave at the server and take from each other (whatsmeow, prekeys.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network.accounts import SignedPrekey
from infra.sandbox.network.iq_error import IqError
from infra.sandbox.signal.curve import KEY_LENGTH, SIGNATURE_LENGTH
from infra.sandbox.signal.device import PreKeyBundle
from infra.sandbox.wire.node import Node, StanzaError

if TYPE_CHECKING:
    from infra.contract.jid import Jid
    from infra.sandbox.network.login import Login

DJB_TYPE = b"\x05"
"""libsignal's name for Curve25519 keys."""

_ID_LENGTH = 3


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
    key, signed = keys.find("key"), _signed_prekey(keys)
    return PreKeyBundle(
        registration_id=int.from_bytes(_sized(holder, "registration", 4), "big"),
        identity=_sized(keys, "identity", KEY_LENGTH),
        signed_prekey_id=signed.id,
        signed_prekey=signed.public,
        signed_prekey_signature=signed.signature,
        prekey_id=None if key is None else _id(key),
        prekey=None if key is None else _sized(key, "value", KEY_LENGTH),
    )


def _user(login: Login, jid: Jid) -> Node:
    if (bundle := login.network.bundle(jid)) is None:
        return Node("user", {"jid": jid}, [Node("error", {"code": "404", "text": "item-not-found"})])
    return Node("user", {"jid": jid}, [registration_node(bundle.registration_id), *bundle_nodes(bundle)])


def _take_in(login: Login, iq: Node) -> None:
    keys = {_id(key): _sized(key, "value", KEY_LENGTH) for key in iq.get("list").children("key")}
    login.device.signed_prekey = _signed_prekey(iq)
    login.network.directory.changed(login.device)
    login.network.directory.stock(login.device, keys)


def _id_and_value(key_id: int, public: bytes) -> list[Node]:
    return [Node("id", {}, key_id.to_bytes(_ID_LENGTH, "big")), Node("value", {}, public)]


def _signed_prekey(holder: Node) -> SignedPrekey:
    key = holder.get("skey")
    return SignedPrekey(
        _id(key), _sized(key, "value", KEY_LENGTH), _sized(key, "signature", SIGNATURE_LENGTH)
    )


def _id(key: Node) -> int:
    return int.from_bytes(_sized(key, "id", _ID_LENGTH), "big")


def _sized(holder: Node, name: str, length: int) -> bytes:
    data = holder.data(name)
    if len(data) != length:
        raise StanzaError(f"<{name}> has {len(data)} bytes where {length} belong")
    return data
