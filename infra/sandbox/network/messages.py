"""Messages, from a device to the devices that they are encrypted for (whatsmeow, send.go and message.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.wire.node import Attributes, Node, StanzaError

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.network import Network

_PASSED_ON = ("id", "type", "category", "edit")


class Parcel(NamedTuple):
    """A stanza and the one device that it is for."""

    to: Jid
    stanza: Node


def addressed(network: Network, account: Account, sender: Jid, message: Node) -> list[Parcel]:
    """Give what each device gets of a message. `sender` is the LID of the sending device.

    Raises StanzaError, NoSuchGroupError and NotInGroupError.
    """
    if message.jid("to").server == GROUP_SERVER:
        return _to_group(network, account, sender, message)
    return _to_person(network, account, sender, message)


def encrypted_again(message: Node) -> bool:
    """Tell whether this answers a retry receipt: a message that was sent before, under the same id."""
    return any("count" in enc.attrs for enc in message.children("enc"))


def _to_person(network: Network, account: Account, sender: Jid, message: Node) -> list[Parcel]:
    chat = network.directory.find(message.jid("recipient" if "recipient" in message.attrs else "to"))
    seen_by_others: Attributes = _attributes(network, account, message) | {"from": sender}
    seen_by_own = dict(seen_by_others)
    if chat is not None and chat is not account:
        seen_by_own |= {"recipient": chat.lid, "peer_recipient_pn": chat.pn}
    seen_by_others["sender_pn"] = account.pn
    parcels = []
    for device, envelopes in _envelopes(network, message).items():
        own = network.directory.find(device) is account
        parcels.append(Parcel(device, Node("message", seen_by_own if own else seen_by_others, envelopes)))
    return parcels


def _to_group(network: Network, account: Account, sender: Jid, message: Node) -> list[Parcel]:
    group = network.groups.get_for_member(message.jid("to"), account.number)
    private = _envelopes(network, message)
    shared = [child for child in message.children("enc") if child.attrs.get("type") == "skmsg"]
    attrs: Attributes = _attributes(network, account, message) | {
        "from": group.jid,
        "participant": sender,
        "participant_pn": account.pn,
        "addressing_mode": "lid",
    }
    if not shared:  # encrypted again, for the one device that asked
        return [Parcel(device, Node("message", attrs, envelopes)) for device, envelopes in private.items()]
    members = (network.directory.get(number) for number in group.members)
    devices = [device for member in members for device in network.directory.devices(member)]
    return [
        Parcel(device, Node("message", attrs, [*private.get(device, ()), *shared]))
        for device in devices
        if device != sender
    ]


def _attributes(network: Network, account: Account, message: Node) -> Attributes:
    attrs: Attributes = {name: message.attrs[name] for name in _PASSED_ON if name in message.attrs}
    return attrs | {"t": network.now(), "notify": account.name}


def _envelopes(network: Network, message: Node) -> dict[Jid, list[Node]]:
    """Give, for each device, what only it can read: ciphertexts, and the sender's identity if enclosed."""
    identity = list(message.children("device-identity"))
    participants = message.find("participants")
    if participants is None:
        target = message.attrs.get("participant", message.jid("to"))
        if not isinstance(target, Jid):
            raise StanzaError("<message> names no device that it is for")
        direct = [child for child in message.children("enc") if child.attrs.get("type") != "skmsg"]
        return {_lid(network, target): [*direct, *identity]} if direct else {}
    return {
        _lid(network, to.jid("jid")): [*to.children("enc"), *identity] for to in participants.children("to")
    }


def _lid(network: Network, jid: Jid) -> Jid:
    account = network.directory.find(jid)
    return jid if account is None else account.lid.with_device(jid.device)
