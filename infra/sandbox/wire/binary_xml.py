"""Binary XML, the form of every stanza on the wire (whatsmeow, binary/encoder.go and decoder.go).

An element is a list: its tag, then keys and values, then its content if it has any. The first byte of each
item tells a token from a list, a JID, or text in one of its forms. Every stanza passes here, in and out:
what looks laborious below was measured.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from infra.contract.jid import LID_SERVER, PN_SERVER, Jid
from infra.sandbox.wire import digits
from infra.sandbox.wire.digits import HEX8, NIBBLE8, PACKED_LIMIT
from infra.sandbox.wire.node import Node
from infra.sandbox.wire.tokens import DOUBLE_BYTE_TOKENS, ENCODED_TOKENS, SINGLE_BYTE_TOKENS, SINGLE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

STANZA_LIMIT = 4 << 20
"""The longest stanza, in bytes, that `unpack` inflates."""

# 236 to 239 name a double-byte dictionary, 251 and 255 packed digits; 245 and 246 are JIDs of other
# networks, refused here.
_LIST_EMPTY = 0
_AD_JID = 247
_LIST8 = 248
_LIST16 = 249
_JID_PAIR = 250
_BINARY8 = 252
_BINARY20 = 253
_BINARY32 = 254

_DEFLATED = 0x02
_DEPTH_LIMIT = 64

_HOSTED_SERVERS = ("hosted", "hosted.lid")
_DOMAINS = dict(zip((PN_SERVER, LID_SERVER, *_HOSTED_SERVERS), (0, 1, 128, 129), strict=True))
_SERVERS = {domain: server for server, domain in _DOMAINS.items()}

_TEXT_OF_BYTE = (None, *SINGLE_BYTE_TOKENS[1:], *[None] * (256 - SINGLE_SIZE))
_DICTIONARIES = {SINGLE_SIZE + number: tokens for number, tokens in enumerate(DOUBLE_BYTE_TOKENS)}
_PAIR_PREFIX, _NO_USER = bytes((_JID_PAIR,)), bytes((_LIST_EMPTY,))
_LENGTH_SIZES = {_BINARY8: 1, _BINARY20: 3, _BINARY32: 4}


class BinaryXmlError(ValueError):
    """These bytes are not a stanza, or this stanza cannot be written."""


def pack(stanza: bytes) -> bytes:
    """Put the flags before an encoded stanza: not deflated. The result is to be encrypted."""
    return b"\0" + stanza


def unpack(plaintext: bytes) -> bytes:
    """Take the flags off a decrypted stanza, and inflate it where they say so; raises BinaryXmlError."""
    if not plaintext:
        raise BinaryXmlError("an empty frame")
    if not plaintext[0] & _DEFLATED:
        return plaintext[1:]
    inflate = zlib.decompressobj()
    try:
        stanza = inflate.decompress(plaintext[1:], STANZA_LIMIT)
    except zlib.error as error:
        raise BinaryXmlError("not deflated, though it says so") from error
    if not inflate.eof:
        raise BinaryXmlError(f"cut short, or longer than {STANZA_LIMIT} bytes")
    return stanza


def encode(stanza: Node) -> bytes:
    """Give the bytes of a stanza; empty attributes are left out. Raises BinaryXmlError."""
    parts: list[bytes] = []
    try:
        _write(parts.append, stanza)
    except (OverflowError, ValueError) as error:
        raise BinaryXmlError(f"<{stanza.tag}> cannot be written: {error}") from error
    return b"".join(parts)


def decode(data: bytes) -> Node:
    """Read a stanza; raises BinaryXmlError.

    Content is a list of elements, or bytes: those of the text, where it was written as a token or a JID.
    """
    try:
        stanza, end = _read_node(data, 0, 0)
    except (LookupError, ValueError) as error:
        raise BinaryXmlError(f"not a stanza: {error}") from error
    if end != len(data):
        raise BinaryXmlError(f"{len(data) - end} bytes are left over")
    return stanza


def _write(put: Callable[[bytes], None], node: Node) -> None:
    attrs, content = node.attrs, node.content
    if "" in attrs.values():
        attrs = {key: value for key, value in attrs.items() if value != ""}
    put(_list_header(2 * len(attrs) + 1 + (content is not None)))
    put(ENCODED_TOKENS.get(node.tag) or _text(node.tag))
    for key, value in attrs.items():
        put(ENCODED_TOKENS.get(key) or _text(key))
        if isinstance(value, Jid):
            put(_jid(value))
        else:
            put(ENCODED_TOKENS.get(value) or _text(value))
    if isinstance(content, bytes):
        put(_binary_header(len(content)))
        put(content)
    elif content is not None:
        put(_list_header(len(content)))
        for child in content:
            _write(put, child)


@lru_cache(maxsize=256)
def _list_header(size: int) -> bytes:
    if size == 0:
        return bytes((_LIST_EMPTY,))
    if size < 1 << 8:
        return bytes((_LIST8, size))
    return bytes((_LIST16,)) + size.to_bytes(2, "big")


@lru_cache(maxsize=1024)
def _binary_header(size: int) -> bytes:
    if size < 1 << 8:
        return bytes((_BINARY8, size))
    if size < 1 << 20:
        return bytes((_BINARY20,)) + size.to_bytes(3, "big")
    return bytes((_BINARY32,)) + size.to_bytes(4, "big")


def _text(text: str) -> bytes:
    """Write text that is no token."""
    if len(text) <= PACKED_LIMIT and (packed := digits.pack(text)) is not None:
        return packed
    raw = text.encode()
    return _binary_header(len(raw)) + raw


def _jid(jid: Jid) -> bytes:
    user = ENCODED_TOKENS.get(jid.user) or _text(jid.user)
    if jid.device or jid.server in _HOSTED_SERVERS:
        if jid.server not in _DOMAINS:
            raise ValueError(f"{jid.server} has no devices")
        return bytes((_AD_JID, _DOMAINS[jid.server], jid.device)) + user
    server = ENCODED_TOKENS.get(jid.server) or _text(jid.server)
    return _PAIR_PREFIX + (user if jid.user else _NO_USER) + server


def _read_node(data: bytes, at: int, depth: int) -> tuple[Node, int]:
    if depth > _DEPTH_LIMIT:
        raise ValueError(f"more than {_DEPTH_LIMIT} elements inside each other")
    size, at = _read_list_size(data, at)
    tag, at = _read_text(data, at)
    if not size or not tag:
        raise ValueError("an element without a tag")
    attrs: dict[str, str | Jid] = {}
    for _ in range((size - 1) >> 1):
        key, at = _read_text(data, at)
        attrs[key], at = _read_value(data, at)
    if size & 1:
        return Node(tag, attrs), at
    content, at = _read_content(data, at, depth)
    return Node(tag, attrs, content), at


def _read_content(data: bytes, at: int, depth: int) -> tuple[bytes | list[Node], int]:
    tag = data[at]
    if tag in _LENGTH_SIZES:
        return _read_bytes(data, at)
    if tag in (_LIST8, _LIST16, _LIST_EMPTY):
        size, at = _read_list_size(data, at)
        children = []
        for _ in range(size):
            child, at = _read_node(data, at, depth + 1)
            children.append(child)
        return children, at
    value, at = _read_value(data, at)
    return str(value).encode(), at


def _read_list_size(data: bytes, at: int) -> tuple[int, int]:
    tag = data[at]
    if tag == _LIST8:
        return data[at + 1], at + 2
    if tag == _LIST16:
        return data[at + 1] << 8 | data[at + 2], at + 3
    if tag == _LIST_EMPTY:
        return 0, at + 1
    raise ValueError(f"no list begins with {tag}")


def _read_value(data: bytes, at: int) -> tuple[str | Jid, int]:
    tag = data[at]
    if tag == _JID_PAIR:
        at += 1
        user, at = ("", at + 1) if data[at] == _LIST_EMPTY else _read_text(data, at)
        server, at = _read_text(data, at)
        return Jid(user, server), at
    if tag == _AD_JID:
        server, device = _SERVERS[data[at + 1]], data[at + 2]
        user, at = _read_text(data, at + 3)
        return Jid(user, server, device), at
    return _read_text(data, at)


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    tag = data[at]
    token = _TEXT_OF_BYTE[tag]
    if token is not None:
        return token, at + 1
    if tag in _DICTIONARIES:
        return _DICTIONARIES[tag][data[at + 1]], at + 2
    if tag in (NIBBLE8, HEX8):
        packed, at = _read_slice(data, at, digits.packed_size(data[at + 1]))
        return digits.unpack(packed), at
    raw, at = _read_bytes(data, at)
    return raw.decode(), at


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    start = at + 1 + _LENGTH_SIZES[data[at]]
    return _read_slice(data, start, int.from_bytes(data[at + 1 : start], "big"))


def _read_slice(data: bytes, start: int, size: int) -> tuple[bytes, int]:
    end = start + size
    if end > len(data):
        raise ValueError("text or bytes cut short")
    return data[start:end], end
