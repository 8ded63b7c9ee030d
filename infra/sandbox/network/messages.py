"""Messages from a device to the devices they are encrypted for (protocol: whatsmeow, send.go and message.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.wire.node import Node, StanzaError

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.network import Network

_PASSED_ON = ("id", "type", "category", "edit")


def route(network: Network, account: Account, sender: Jid, message: Node) -> None:
    """Bring each ciphertext of a message to its device. `sender` is the LID of the sending device.

    Raises StanzaError, before anything is delivered.
    """
    if message.jid("to").server == GROUP_SERVER:
        _route_to_group(network, account, sender, message)
    else:
        _route_to_person(network, account, sender, message)


def _route_to_person(network: Network, account: Account, sender: Jid, message: Node) -> None:
    chat = network.directory.find(message.jid("to"))
    for device, envelopes in _addressed(network, message).items():
        attrs = _attributes(network, account, message) | {"from": sender}
        if network.directory.find(device) is account:
            if chat is not None and chat is not account:
                attrs |= {"recipient": chat.lid, "peer_recipient_pn": chat.pn}
        else:
            attrs["sender_pn"] = account.pn
        network.deliver(device, Node("message", attrs, envelopes))


def _route_to_group(network: Network, account: Account, sender: Jid, message: Node) -> None:
    group = network.groups.get_for_member(message.jid("to"), account.number)
    shared = [child for child in message.children("enc") if child.attrs.get("type") == "skmsg"]
    addressed = _addressed(network, message)
    attrs = _attributes(network, account, message) | {
        "from": group.jid,
        "participant": sender,
        "participant_pn": account.pn,
        "addressing_mode": "lid",
    }
    if not shared:  # encrypted again, for the one device that asked
        for device, envelopes in addressed.items():
            network.deliver(device, Node("message", dict(attrs), envelopes))
        return
    for number in group.members:
        for device in network.directory.devices(network.directory.get(number)):
            if device != sender:
                network.deliver(device, Node("message", dict(attrs), [*addressed.get(device, ()), *shared]))


def _attributes(network: Network, account: Account, message: Node) -> dict[str, str | Jid]:
    attrs: dict[str, str | Jid] = {name: message.attrs[name] for name in _PASSED_ON if name in message.attrs}
    return attrs | {"t": network.now(), "notify": account.name}


def _addressed(network: Network, message: Node) -> dict[Jid, list[Node]]:
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
