"""Stanzas as a broken client might send them: genuine ones with a few things changed, and pure inventions."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from infra.contract.jid import GROUP_SERVER, LID_SERVER, PN_SERVER, SERVICE, Jid
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

    from infra.sandbox.wire.node import Attributes

    Content = bytes | list[Node] | None

ODD_JIDS = [
    SERVICE,
    Jid("", GROUP_SERVER),
    Jid("120363000", GROUP_SERVER),
    Jid("nobody", LID_SERVER, 255),
    Jid("19995550199", PN_SERVER),
    Jid("1", "hosted", 99),
    Jid("status", "broadcast"),
    Jid("", ""),
]
ODD_TEXTS = ["0", "-1", "1.5", "9" * 30, "retry", "text", "\0", "\N{GREEK SMALL LETTER ALPHA}", "x" * 300]
ODD_CONTENTS: list[Content] = [
    None,
    b"",
    b"\x33\x08\x01",
    bytes(31),
    bytes(32),
    bytes(70_000),
    [],
    [Node("junk", {}, b"junk")],
    [Node("enc", {"type": "pkmsg"}, b"\x33") for _ in range(300)],
]


def a_key(tag: str, value: bytes = bytes(32)) -> Node:
    """Write a prekey."""
    return Node(tag, {}, [Node("id", {}, b"\0\0\1"), Node("value", {}, value)])


def an_iq(namespace: str, *content: Node, kind: str = "set", to: Jid = SERVICE) -> Node:
    """Write a question."""
    return Node("iq", {"id": "1", "to": to, "type": kind, "xmlns": namespace}, list(content) or None)


def a_user(jid: Jid) -> Node:
    """Write a user that is asked about."""
    return Node("user", {"jid": jid}, [Node("contact", {}, b"+14155550101")])


def questions(person: Jid, group: Jid) -> Iterator[Node]:
    """Give one of each kind of question."""
    for namespace in ("w:p", "passive", "privacy", "blocklist", "w:profile:picture", "w:m", "unknown"):
        yield an_iq(namespace)
    yield an_iq("encrypt", Node("count"), kind="get")
    yield an_iq("encrypt", Node("key", {}, [a_user(person)]), kind="get")
    signed = Node("skey", {}, [*a_key("skey").children(), Node("signature", {}, bytes(64))])
    uploaded = [Node("registration", {}, bytes(4)), Node("list", {}, [a_key("key"), a_key("key")]), signed]
    yield an_iq("encrypt", *uploaded)
    for wanted in ("devices", "lid", "contact", "status"):
        query = [Node("query", {}, [Node(wanted)]), Node("list", {}, [a_user(person), a_user(group)])]
        yield an_iq("usync", Node("usync", {"mode": "query", "context": "message"}, query), kind="get")
    yield an_iq("md", Node("remove-companion-device", {"jid": person}))
    for patch in ([], [Node("patch", {}, b"\x12\x00")]):
        collection = Node("collection", {"name": "critical_block", "version": "0"}, patch)
        yield an_iq("w:sync:app:state", Node("sync", {}, [collection]))
    created = Node("create", {"subject": "s"}, [Node("participant", {"jid": person})])
    left = Node("leave", {}, [Node("group", {"id": group})])
    for question in (created, left, Node("participating")):
        yield an_iq("w:g2", question, to=Jid("", GROUP_SERVER))
    for question in (Node("query"), Node("invite"), Node("subject", {}, b"s"), Node("unknown")):
        yield an_iq("w:g2", question, to=group)


def messages(person: Jid, group: Jid) -> Iterator[Node]:
    """Give one of each kind of message."""
    private = Node("enc", {"v": "2", "type": "pkmsg"}, b"\x33\x08\x01\x12\x00")
    later = Node("enc", {"v": "2", "type": "msg", "count": "1"}, b"\x33\x0a\x01\x00" + bytes(8))
    shared = Node("enc", {"v": "2", "type": "skmsg"}, b"\x33" + bytes(70))
    identity = Node("device-identity", {}, b"\x0a\x00")
    to = [Node("to", {"jid": person}, [private]), Node("to", {"jid": person.with_device(1)}, [later])]
    attrs: Attributes = {"id": "3EB0", "type": "text"}
    yield Node("message", {**attrs, "to": person}, [Node("participants", {}, to), identity])
    yield Node("message", {**attrs, "to": person, "category": "peer"}, [later])
    yield Node("message", {**attrs, "to": group}, [Node("participants", {}, to), shared])
    yield Node("message", {**attrs, "to": group, "participant": person}, [private])


def notices(person: Jid, group: Jid) -> Iterator[Node]:
    """Give one of each kind of what is no question and no message."""
    attrs: Attributes = {"id": "3EB0", "to": person}
    listed = Node("list", {}, [Node("item", {"id": "3EB1"})])
    retry = Node("retry", {"id": "3EB0", "count": "2", "t": "1", "v": "1"})
    signed = Node("skey", {}, [*a_key("skey").children(), Node("signature", {}, bytes(64))])
    keys = Node("keys", {}, [Node("identity", {}, bytes(32)), a_key("key"), signed])
    yield Node("receipt", attrs)
    yield Node("receipt", {**attrs, "type": "read"}, [listed])
    yield Node("receipt", {**attrs, "type": "retry"}, [retry, Node("registration", {}, bytes(4)), keys])
    yield Node("receipt", {**attrs, "to": group, "participant": person, "type": "retry"}, [retry])
    for of in ("message", "receipt", "notification"):
        yield Node("ack", {**attrs, "class": of, "type": "text"})
    for kind in ("available", "unavailable", "subscribe"):
        yield Node("presence", {"type": kind, "to": person})
    for to in (person, group):
        yield Node("chatstate", {"to": to}, [Node("composing")])
    yield Node("ib", {}, [Node("unified_session", {"id": "1"})])


def answers_of_a_registering_device(number: Jid) -> Iterator[Node]:
    """Give all that a device says while it is being linked."""
    for kind in ("result", "error", "get"):
        yield Node("iq", {"id": "1", "type": kind}, [Node("error", {"code": "500", "text": "no"})])
    hello = Node("link_code_pairing_wrapped_companion_ephemeral_pub", {}, bytes(80))
    code = Node("link_code_companion_reg", {"jid": number, "stage": "companion_hello"}, [hello])
    yield Node("iq", {"id": "1", "type": "set"}, [code])
    bundle = Node("link_code_pairing_wrapped_key_bundle", {}, bytes(100))
    finish = Node("link_code_companion_reg", {"stage": "companion_finish"}, [bundle])
    yield Node("iq", {"id": "1", "type": "set"}, [finish])
    signed = Node("pair-device-sign", {}, [Node("device-identity", {"key-index": "1"}, b"\x0a\x00")])
    yield Node("iq", {"id": "1", "type": "result"}, [signed])


def broken(genuine: list[Node], jids: list[Jid]) -> SearchStrategy[Node]:
    """Give one of the genuine stanzas with up to three changes, anywhere in it."""
    texts = st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec="utf-8"), max_size=9)
    values = st.sampled_from([*jids, *ODD_JIDS]) | texts
    contents = st.sampled_from(ODD_CONTENTS) | st.binary(max_size=100)
    tags = st.sampled_from(sorted({node.tag for stanza in genuine for node in _within(stanza)}))

    @st.composite
    def stanza(draw: DrawFn) -> Node:
        changed = copy.deepcopy(draw(st.sampled_from(genuine)))
        for _ in range(draw(st.integers(0, 3))):
            node = draw(st.sampled_from(list(_within(changed))))
            names = sorted({*node.attrs, "type", "id", "to", "jid", "participant"})
            match draw(st.sampled_from(["drop", "set", "tag", "content", "twice"])):
                case "drop":
                    node.attrs.pop(draw(st.sampled_from(names)), None)
                case "set":
                    node.attrs[draw(st.sampled_from(names))] = draw(values)
                case "tag":
                    node.tag = draw(tags)
                case "content":
                    node.content = copy.deepcopy(draw(contents))
                case _:
                    node.content = [*node.children(), *node.children()] or node.content
        return changed

    return stanza()


def _within(stanza: Node) -> Iterator[Node]:
    yield stanza
    for child in stanza.children():
        yield from _within(child)
