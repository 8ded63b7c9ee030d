"""Receipts, typing and presence, from a device to those whom they concern (whatsmeow, receipt.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.network import Network

_KEPT_BY_SERVER = {"sender", "peer_msg", "hist_sync", "read-self", "played-self", "server-error"}
"""Receipts that no contact sees."""


def route_receipt(network: Network, sender: Jid, receipt: Node) -> None:
    """Bring a receipt to the devices of whoever sent the message; a retry receipt to the one device."""
    kind = receipt.text("type", "")
    if kind in _KEPT_BY_SERVER:
        return
    to = receipt.jid("to")
    in_group = to.server == GROUP_SERVER
    author = receipt.jid("participant") if in_group else to
    attrs: Attributes = {"id": receipt.text("id"), "t": network.now()}
    attrs |= {"from": to, "participant": sender} if in_group else {"from": sender}
    if kind and kind != "inactive":
        attrs["type"] = kind
    if "recipient" in receipt.attrs:
        attrs["recipient"] = receipt.jid("recipient")
    for device in _addressees(network, author, alone=kind == "retry"):
        if device != sender:
            network.deliver(device, Node("receipt", dict(attrs), receipt.content))


def route_typing(network: Network, account: Account, sender: Jid, chatstate: Node) -> None:
    """Show that somebody types, or stopped, to whoever is online in the chat."""
    to = chatstate.jid("to")
    if to.server == GROUP_SERVER:
        group = network.groups.get_for_member(to, account.number)
        numbers = [number for number in group.members if number != account.number]
        attrs: Attributes = {"from": to, "participant": sender}
    else:
        other = network.directory.find(to)
        numbers = [] if other is None else [other.number]
        attrs = {"from": account.lid}
    for number in numbers:
        for device in network.directory.devices(network.directory.get(number)):
            network.mention(device, Node("chatstate", dict(attrs), chatstate.content))


def announce_presence(network: Network, account: Account, *, available: bool) -> None:
    """Tell the devices that subscribed to an account's presence."""
    for key in network.presence_watchers[account.number]:
        network.mention(_device(network, key), _presence(account, available=available))


def subscribe(network: Network, watcher: Jid, watcher_key: str, to: Jid) -> None:
    """Let a device know an account's presence, now and when it changes; nobody's number is ignored."""
    if (watched := network.directory.find(to)) is not None:
        network.presence_watchers[watched.number].add(watcher_key)
        available = network.primaries[watched.number].available
        network.mention(watcher, _presence(watched, available=available))


def _presence(account: Account, *, available: bool) -> Node:
    return Node("presence", {"from": account.lid} | ({} if available else {"type": "unavailable"}))


def _addressees(network: Network, author: Jid, *, alone: bool) -> list[Jid]:
    if (account := network.directory.find(author)) is None:
        return []
    return [account.lid.with_device(author.device)] if alone else network.directory.devices(account)


def _device(network: Network, key: str) -> Jid:
    number, _, device = key.partition(":")
    return network.directory.get(number).lid.with_device(int(device))
