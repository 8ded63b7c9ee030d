"""Stanzas survive the wire, and whatever else comes over it is refused by one name."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.contract.jid import Jid
from infra.sandbox.wire import binary_xml
from infra.sandbox.wire.binary_xml import STANZA_LIMIT, BinaryXmlError, decode, encode
from infra.sandbox.wire.node import Node
from infra.sandbox.wire.tokens import ENCODED_TOKENS

IQ, ID, FROM, TYPE, RESULT, SERVER = (
    ENCODED_TOKENS[text] for text in ("iq", "id", "from", "type", "result", "s.whatsapp.net")
)
DICTIONARY_TOKEN = next(text for text, code in ENCODED_TOKENS.items() if code == b"\xee\x07")

texts = st.one_of(
    st.sampled_from(sorted(ENCODED_TOKENS)),
    st.text("0123456789-.", min_size=1, max_size=140),
    st.text("0123456789ABCDEF", min_size=1, max_size=140),
    st.text(min_size=1, max_size=300),
)
jids = st.one_of(
    st.builds(Jid, texts, st.sampled_from(["s.whatsapp.net", "lid"]), st.integers(0, 255)),
    st.builds(Jid, texts, st.sampled_from(["hosted", "hosted.lid"]), st.integers(0, 255)),
    st.builds(Jid, texts | st.just(""), st.just("g.us") | texts.filter(lambda text: "hosted" not in text)),
)
attributes = st.dictionaries(texts, texts | jids, max_size=4)
nodes = st.recursive(
    st.builds(Node, texts, attributes, st.none() | st.binary(max_size=300)),
    lambda children: st.builds(Node, texts, attributes, st.lists(children, max_size=4)),
    max_leaves=12,
)


@given(nodes)
@example(Node("iq", {}, []))
@example(Node("iq", {}, b""))
def test_a_stanza_reads_back_as_it_was_written(node: Node) -> None:
    assert decode(encode(node)) == node


@given(st.binary(max_size=400))
@example(b"")
@example(b"\xf8\x02\x1e\xfe\xff\xff\xff\xff")
@example(b"\xf8\x01")
def test_random_bytes_are_read_or_refused_by_name(data: bytes) -> None:
    try:
        node = decode(data)
    except BinaryXmlError:
        return

    assert isinstance(node, Node)


@given(nodes, st.data())
def test_damaged_stanzas_are_read_or_refused_by_name(node: Node, data: st.DataObject) -> None:
    damaged = bytearray(encode(node))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    try:
        decode(bytes(damaged))
    except BinaryXmlError:
        return


@given(nodes, st.data())
def test_a_stanza_cut_short_is_refused(node: Node, data: st.DataObject) -> None:
    encoded = encode(node)

    with pytest.raises(BinaryXmlError):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (Node("iq"), b"\xf8\x01" + IQ),
        (Node("iq", {}, []), b"\xf8\x02" + IQ + b"\x00"),
        (Node("iq", {}, b""), b"\xf8\x02" + IQ + b"\xfc\x00"),
        (Node("iq", {}, b"iq"), b"\xf8\x02" + IQ + b"\xfc\x02iq"),
        (Node("iq", {}, [Node("id"), Node("id")]), b"\xf8\x02" + IQ + b"\xf8\x02" + (b"\xf8\x01" + ID) * 2),
        (Node("iq", {"type": "result"}), b"\xf8\x03" + IQ + TYPE + RESULT),
        (Node("iq", {"id": ""}), b"\xf8\x01" + IQ),
        (Node("iq", {"id": DICTIONARY_TOKEN}), b"\xf8\x03" + IQ + ID + b"\xee\x07"),
        (Node("iq", {"id": "19-2.5"}), b"\xf8\x03" + IQ + ID + b"\xff\x03\x19\xa2\xb5"),
        (Node("iq", {"id": "19-2."}), b"\xf8\x03" + IQ + ID + b"\xff\x83\x19\xa2\xbf"),
        (Node("iq", {"id": "3EB0F"}), b"\xf8\x03" + IQ + ID + b"\xfb\x83\x3e\xb0\xff"),
        (Node("iq", {"id": "3eb0"}), b"\xf8\x03" + IQ + ID + b"\xfc\x043eb0"),
        (Node("iq", {"id": "7" * 128}), b"\xf8\x03" + IQ + ID + b"\xfc\x80" + b"7" * 128),
        (Node("iq", {"id": "é"}), b"\xf8\x03" + IQ + ID + b"\xfc\x02\xc3\xa9"),
        (Node("iq", {}, b"x" * 256), b"\xf8\x02" + IQ + b"\xfd\x00\x01\x00" + b"x" * 256),
        (Node("iq", {}, b"x" * (1 << 20)), b"\xf8\x02" + IQ + b"\xfe\x00\x10\x00\x00" + b"x" * (1 << 20)),
        (Node("iq", {}, [Node("id")] * 258), b"\xf8\x02" + IQ + b"\xf9\x01\x02" + (b"\xf8\x01" + ID) * 258),
    ],
)
def test_a_stanza_is_written_by_the_rules(node: Node, written: bytes) -> None:
    assert encode(node) == written


@pytest.mark.parametrize(
    ("jid", "written"),
    [
        (Jid("", "s.whatsapp.net"), b"\xfa\x00" + SERVER),
        (Jid("1234", "s.whatsapp.net"), b"\xfa\xff\x02\x12\x34" + SERVER),
        (Jid("1234", "lid"), b"\xfa\xff\x02\x12\x34" + ENCODED_TOKENS["lid"]),
        (Jid("1234-56", "g.us"), b"\xfa\xff\x84\x12\x34\xa5\x6f" + ENCODED_TOKENS["g.us"]),
        (Jid("1234", "s.whatsapp.net", 3), b"\xf7\x00\x03\xff\x02\x12\x34"),
        (Jid("1234", "lid", 255), b"\xf7\x01\xff\xff\x02\x12\x34"),
        (Jid("1234", "hosted"), b"\xf7\x80\x00\xff\x02\x12\x34"),
        (Jid("1234", "hosted.lid", 99), b"\xf7\x81\x63\xff\x02\x12\x34"),
    ],
    ids=str,
)
def test_a_jid_is_written_as_a_pair_or_with_its_device(jid: Jid, written: bytes) -> None:
    assert encode(Node("iq", {"from": jid})) == b"\xf8\x03" + IQ + FROM + written


@pytest.mark.parametrize(
    "node",
    [
        Node("iq", {"from": Jid("1", "s.whatsapp.net", 256)}),
        Node("iq", {"from": Jid("1", "g.us", 1)}),
        Node("iq", {"id": "\ud800"}),
        Node("iq", {}, [Node("id")] * 65536),
    ],
    ids=["a device of two bytes", "a device of a group", "half a character", "too many children"],
)
def test_what_the_form_cannot_hold_is_refused(node: Node) -> None:
    with pytest.raises(BinaryXmlError):
        encode(node)


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (IQ, b"iq"),
        (b"\xff\x02\x12\x34", b"1234"),
        (b"\xfa\xff\x01\x12" + SERVER, b"12@s.whatsapp.net"),
    ],
    ids=["token", "digits", "JID"],
)
def test_content_written_as_text_is_read_as_bytes(content: bytes, data: bytes) -> None:
    assert decode(b"\xf8\x02" + IQ + content) == Node("iq", {}, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xf8\x00",
        b"\xf8\x00" + IQ,
        b"\xf8\x01\x00",
        b"\xf8\x01\xfc\x00",
        b"\xf8\x01" + IQ + b"\x00",
        IQ,
        b"\xf8\x03" + IQ + ID + b"\x00",
        b"\xf8\x03" + IQ + ID + b"\xff\x01\xc0",
        b"\xf8\x03" + IQ + ID + b"\xff\x02\x12",
        b"\xf8\x03" + IQ + ID + b"\xfc\x01\xff",
        b"\xf8\x03" + IQ + ID + b"\xfa\x00\x00",
        b"\xf8\x03" + IQ + ID + b"\xf7\x02\x01\xff\x01\x12",
        b"\xf8\x03" + IQ + ID + b"\xf6\xff\x01\x12\x00\x01" + ENCODED_TOKENS["s.whatsapp.net"],
        b"\xf8\x03" + IQ + b"\xfa\x00" + SERVER + ID,
        b"\xf8\x02" + IQ + b"\xfd\x00",
        b"\xf8\x02" + IQ + b"\xfe\xff\xff\xff\xff",
    ],
    ids=bytes.hex,
)
def test_bytes_that_are_no_stanza_are_refused(data: bytes) -> None:
    with pytest.raises(BinaryXmlError):
        decode(data)


def test_elements_inside_each_other_without_end_are_refused() -> None:
    opening = b"\xf8\x02" + IQ + b"\xf8\x01"

    assert decode(opening * 64 + b"\xf8\x01" + IQ).tag == "iq"
    with pytest.raises(BinaryXmlError):
        decode(opening * 100_000)


def test_a_packed_stanza_unpacks_to_itself() -> None:
    assert binary_xml.unpack(binary_xml.pack(b"stanza")) == b"stanza"


def test_a_deflated_stanza_is_inflated() -> None:
    stanza = bytes(STANZA_LIMIT)

    assert binary_xml.unpack(b"\x02" + zlib.compress(stanza)) == stanza


@pytest.mark.parametrize(
    "plaintext",
    [
        b"",
        b"\x02",
        b"\x02garbage",
        b"\x02" + zlib.compress(b"stanza")[:-1],
        b"\x02" + zlib.compress(bytes(STANZA_LIMIT + 1)),
    ],
    ids=["empty", "nothing", "garbage", "cut short", "too long"],
)
def test_what_does_not_inflate_to_a_stanza_is_refused(plaintext: bytes) -> None:
    with pytest.raises(BinaryXmlError):
        binary_xml.unpack(plaintext)
