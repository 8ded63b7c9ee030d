"""LTHash against a plain implementation written here from its description, and its laws."""

from __future__ import annotations

import hmac
import struct

from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.lt_hash import EMPTY, lt_hash

MEMBERS = st.lists(st.binary(min_size=32, max_size=32), max_size=8)


def plain_expansion(member: bytes) -> bytes:
    pseudorandom_key = hmac.digest(bytes(32), member, "sha256")
    block, blocks = b"", b""
    for number in range(1, 5):
        block = hmac.digest(pseudorandom_key, block + b"WhatsApp Patch Integrity" + bytes([number]), "sha256")
        blocks += block
    return blocks


def plain_lt_hash(base: bytes, added: list[bytes], removed: list[bytes]) -> bytes:
    words = list(struct.unpack("<64H", base))
    for sign, members in ((1, added), (-1, removed)):
        for member in members:
            terms = struct.unpack("<64H", plain_expansion(member))
            words = [(word + sign * term) % 2**16 for word, term in zip(words, terms, strict=True)]
    return struct.pack("<64H", *words)


@given(base=st.binary(min_size=128, max_size=128), added=MEMBERS, removed=MEMBERS)
def test_it_equals_the_word_by_word_sum(base: bytes, added: list[bytes], removed: list[bytes]) -> None:
    assert lt_hash(base, added=added, removed=removed) == plain_lt_hash(base, added, removed)


@given(st.permutations([bytes([number]) * 32 for number in range(6)]))
def test_the_order_of_adding_does_not_matter(members: list[bytes]) -> None:
    assert lt_hash(EMPTY, added=members) == lt_hash(EMPTY, added=sorted(members))


@given(base=st.binary(min_size=128, max_size=128), members=MEMBERS)
def test_removing_undoes_adding(base: bytes, members: list[bytes]) -> None:
    assert lt_hash(lt_hash(base, added=members), removed=members) == base
