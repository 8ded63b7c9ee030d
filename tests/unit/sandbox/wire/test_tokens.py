"""The token dictionaries are those of the installed neonize."""

from __future__ import annotations

import pytest

from infra.sandbox.wire.tokens import DOUBLE_BYTE_TOKENS, ENCODED_TOKENS, SINGLE_BYTE_TOKENS
from scripts.derive_tokens import LIBRARY, SharedLibrary, TokensNotFoundError, derive

needs_the_library = pytest.mark.skipif(
    not LIBRARY.exists(), reason="the derivation reads the library for Linux on x86-64"
)


@needs_the_library
def test_the_dictionaries_are_those_of_the_installed_neonize() -> None:
    library = SharedLibrary(LIBRARY.read_bytes())

    tokens = derive(library)

    assert tokens == [*SINGLE_BYTE_TOKENS, *(token for tokens in DOUBLE_BYTE_TOKENS for token in tokens)]


def test_every_token_has_one_encoding_and_no_two_share_it() -> None:
    assert [len(tokens) for tokens in (SINGLE_BYTE_TOKENS, *DOUBLE_BYTE_TOKENS)] == [236, 256, 256, 256, 256]
    assert len(ENCODED_TOKENS) == len(set(ENCODED_TOKENS.values())) == 235 + 4 * 256


def test_well_known_tokens_have_their_known_bytes() -> None:
    assert ENCODED_TOKENS["xmlstreamstart"] == b"\x01"
    assert ENCODED_TOKENS["s.whatsapp.net"] == b"\x03"
    assert ENCODED_TOKENS["read-self"] == b"\xec\x00"


@needs_the_library
@pytest.mark.parametrize("first", [b"xmlstreamstart", b"read-self"], ids=bytes.decode)
def test_a_library_without_the_dictionaries_is_refused_by_name(first: bytes) -> None:
    library = SharedLibrary(LIBRARY.read_bytes().replace(first, b"?" * len(first)))

    with pytest.raises(TokensNotFoundError):
        derive(library)
