"""`w:g2`: founding, reading, renaming and leaving groups (whatsmeow, group.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.contract.jid import GROUP_SERVER, Jid
from infra.sandbox.network.groups import Group, NoSuchGroupError, NotInGroupError
from infra.sandbox.network.iq_error import IqError
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.sandbox.network.login import Login
    from infra.sandbox.network.network import Network


def answer(login: Login, iq: Node) -> list[Node]:
    """Answer one question about groups; communities and joining by invite are not there (501)."""
    question = next(iq.children(), None)
    if question is None:
        raise IqError(400, "bad-request")
    if question.tag == "create":
        return [_create(login, question)]
    if question.tag == "participating":
        groups = login.network.groups.of(login.account.number)
        return [Node("groups", {}, [group_node(login.network, group) for group in groups])]
    if question.tag == "leave":
        return [_leave(login, question)]
    return _about(login, _group(login, iq.jid("to")), question)


def announce(network: Network, group: Group, change: Node, *, to: Iterable[str]) -> None:
    """Tell the linked devices of members of a change, as JoinedGroupEv or GroupInfoEv."""
    owner = network.directory.get(group.owner)
    attrs: Attributes = {"from": group.jid, "type": "w:gp2", "t": network.now()}
    attrs |= {"participant": owner.lid, "participant_pn": owner.pn, "addressing_mode": "lid"}
    for number in to:
        for device in network.directory.companions(network.directory.get(number)):
            notification = Node("notification", {**attrs, "id": network.stanza_id()}, [change])
            network.deliver_to_companion(device, notification)


def announce_creation(network: Network, group: Group, *, to: Iterable[str]) -> None:
    """Tell members that they are in a new group."""
    announce(network, group, Node("create", {"type": "new"}, [group_node(network, group)]), to=to)


def group_node(network: Network, group: Group) -> Node:
    """Describe a group with its members."""
    owner = network.directory.get(group.owner)
    created = str(group.created_at)
    attrs: Attributes = {"id": group.id, "creator": owner.lid, "creator_pn": owner.pn}
    attrs |= {"subject": group.subject, "s_t": created, "s_o": owner.lid, "creation": created}
    attrs |= {"addressing_mode": "lid", "size": str(len(group.members))}
    return Node("group", attrs, [_member(network, number, group) for number in group.members])


def _member(network: Network, number: str, group: Group) -> Node:
    account = network.directory.get(number)
    attrs: Attributes = {"jid": account.lid, "phone_number": account.pn}
    return Node("participant", attrs | ({"type": "superadmin"} if number == group.owner else {}))


def _create(login: Login, create: Node) -> Node:
    network, owner = login.network, login.account.number
    found = [network.directory.find(part.jid("jid")) for part in create.children("participant")]
    members = [account.number for account in found if account is not None]
    group = network.groups.create(owner, create.text("subject", ""), members)
    announce_creation(network, group, to=[number for number in group.members if number != owner])
    return group_node(network, group)


def _leave(login: Login, leave: Node) -> Node:
    left = []
    for asked in leave.children("group"):
        group = _group(login, asked.jid("id"))
        group.members.remove(login.account.number)
        login.network.groups.changed(group)
        gone = Node("participant", {"jid": login.account.lid, "phone_number": login.account.pn})
        announce(login.network, group, Node("remove", {}, [gone]), to=group.members)
        left.append(Node("group", {"id": asked.attrs["id"]}))
    return Node("leave", {}, left)


def _about(login: Login, group: Group, question: Node) -> list[Node]:
    if question.tag == "query":
        return [group_node(login.network, group)]
    if question.tag == "invite":
        return [Node("invite", {"code": group.invite_code})]
    if question.tag == "subject":
        group.subject = question.data().decode(errors="replace")
        login.network.groups.changed(group)
        changed: Attributes = {"subject": group.subject, "s_t": login.network.now()}
        announce(login.network, group, Node("subject", changed), to=group.members)
        return []
    raise IqError(501, "feature-not-implemented")


def _group(login: Login, jid: Jid) -> Group:
    if jid.server != GROUP_SERVER:
        raise IqError(400, "bad-request")
    try:
        return login.network.groups.get_for_member(jid, login.account.number)
    except NoSuchGroupError as error:
        raise IqError(404, "item-not-found") from error
    except NotInGroupError as error:
        raise IqError(403, "forbidden") from error
