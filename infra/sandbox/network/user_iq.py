"""Questions about people: who is on WhatsApp, under which LID, with which devices (whatsmeow, user.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.jid import Jid
from infra.sandbox.network.iq_error import IqError
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.login import Login

_PRIVACY = {"last": "all", "online": "all", "profile": "all", "status": "contacts", "readreceipts": "all"}
_PRIVACY |= {"groupadd": "all", "calladd": "all"}


def answer_usync(login: Login, iq: Node) -> list[Node]:
    """Answer what is asked about each user: the LID, the device list, or whether the number is in use."""
    usync = iq.get("usync")
    asked = {part.tag for part in usync.get("query").children()}
    users = [_user(login, user, asked) for user in usync.get("list").children("user")]
    found = [user for user in users if user is not None]
    attrs = {name: value for name, value in usync.attrs.items() if name in {"sid", "index", "last", "mode"}}
    return [Node("usync", {**attrs, "context": usync.text("context", "")}, [Node("list", {}, found)])]


def answer_privacy(_login: Login, iq: Node) -> list[Node]:
    """Give the privacy settings; tokens that are set are taken and forgotten."""
    if iq.text("type") == "set":
        return []
    return [Node("privacy", {}, [Node("category", {"name": n, "value": v}) for n, v in _PRIVACY.items()])]


def answer_blocklist(_login: Login, _iq: Node) -> list[Node]:
    """Give the list of blocked contacts: nobody."""
    return [Node("list", {"dhash": "none"})]


def answer_picture(_login: Login, _iq: Node) -> list[Node]:
    """Say that there is no profile picture."""
    raise IqError(404, "item-not-found")


def answer_linked_devices(_login: Login, iq: Node) -> list[Node]:
    """Confirm a device's own logout, that follows the answer."""
    if iq.find("remove-companion-device") is None:
        raise IqError(501, "feature-not-implemented")
    return []


def _user(login: Login, user: Node, asked: set[str]) -> Node | None:
    if "contact" in asked:
        return _contact(login, user.data("contact"))
    jid = user.jid("jid")
    if (account := login.network.directory.find(jid)) is None:
        return None
    parts = []
    if "lid" in asked:
        parts.append(Node("lid", {"val": account.lid}))
    if "status" in asked:
        parts.append(Node("status", {"t": login.network.now()}, b""))
    if "devices" in asked:
        parts.append(_devices(login, account))
    return Node("user", {"jid": jid}, parts)


def _contact(login: Login, query: bytes) -> Node:
    digits = query.decode(errors="replace").partition("@")[0].lstrip("+")
    account = login.network.directory.find(Jid.phone_number(digits))
    if account is None:
        contact = Node("contact", {"type": "out"}, query)
        return Node("user", {"pn_jid": Jid.phone_number(digits)}, [contact])
    contact = Node("contact", {"type": "in"}, query)
    return Node("user", {"jid": account.lid, "pn_jid": account.pn}, [contact])


def _devices(login: Login, account: Account) -> Node:
    login.network.device_list_readers[account.number].add(login.device.key)
    companions = login.network.directory.companions(account)
    listed = [Node("device", {"id": "0"})]
    listed += [Node("device", {"id": str(c.device), "key-index": str(c.key_index)}) for c in companions]
    return Node("devices", {}, [Node("device-list", {}, listed)])
