"""A stanza, or a part of one: WhatsApp's XML-like tree, as Python sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from infra.contract.jid import Jid

if TYPE_CHECKING:
    from collections.abc import Iterator


_MAX_NUMBER = (1 << 31) - 1
_MAX_DIGITS = 10

Attributes = dict[str, str | Jid]


class StanzaError(ValueError):
    """A stanza lacks something, or holds it in a form that the protocol does not know."""


class Node(msgspec.Struct):
    """One element. A `Jid` attribute is encoded as a JID, which the client tells apart from text."""

    tag: str
    attrs: Attributes = {}
    content: bytes | list[Node] | None = None

    def children(self, tag: str | None = None) -> Iterator[Node]:
        """Give the child elements, or those of one tag."""
        if isinstance(self.content, list):
            for child in self.content:
                if tag is None or child.tag == tag:
                    yield child

    def find(self, *path: str) -> Node | None:
        """Give the first element at this path of tags, or None."""
        node: Node | None = self
        for tag in path:
            node = next(node.children(tag), None) if node is not None else None
        return node

    def get(self, *path: str) -> Node:
        """Give the first element at this path of tags; raises StanzaError."""
        found = self.find(*path)
        if found is None:
            raise StanzaError(f"<{self.tag}> lacks {'/'.join(path)}")
        return found

    def text(self, name: str, default: str | None = None) -> str:
        """Give an attribute as text; raises StanzaError when it is missing and no default was given."""
        value = self.attrs.get(name, default)
        if value is None:
            raise StanzaError(f"<{self.tag}> lacks the attribute {name}")
        return str(value)

    def number(self, name: str, default: int | None = None) -> int:
        """Give an attribute that counts something, below 2³¹; raises StanzaError, as `text` does."""
        text = self.text(name, None if default is None else str(default))
        if not (
            text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS and int(text) <= _MAX_NUMBER
        ):
            raise StanzaError(f"the attribute {name} of <{self.tag}> is no number")
        return int(text)

    def jid(self, name: str) -> Jid:
        """Give a JID attribute; raises StanzaError."""
        value = self.attrs.get(name)
        if not isinstance(value, Jid):
            raise StanzaError(f"<{self.tag}> lacks the JID attribute {name}")
        return value

    def data(self, *path: str) -> bytes:
        """Give the bytes inside the element at this path; raises StanzaError."""
        node = self.get(*path) if path else self
        if not isinstance(node.content, bytes):
            raise StanzaError(f"<{node.tag}> holds no bytes")
        return node.content
