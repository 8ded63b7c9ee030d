"""WhatsApp's token dictionaries, version 3: the strings that binary XML writes as one byte or two.

`tokens.txt` holds one token a line, in order; `scripts/derive_tokens.py` derives it from neonize.
"""

from __future__ import annotations

from importlib.resources import files

DICTIONARY_VERSION = 3

SINGLE_SIZE = 236  # the bytes from here on are tags, of which the first four name a dictionary
DOUBLE_DICTIONARIES = 4
DOUBLE_SIZE = 256

_LINES = files(__package__).joinpath("tokens.txt").read_text(encoding="utf-8").split("\n")

# Index 0 is the empty string, that no stanza contains.
SINGLE_BYTE_TOKENS = tuple(_LINES[:SINGLE_SIZE])

DOUBLE_BYTE_TOKENS = tuple(
    tuple(_LINES[start : start + DOUBLE_SIZE])
    for start in range(SINGLE_SIZE, SINGLE_SIZE + DOUBLE_DICTIONARIES * DOUBLE_SIZE, DOUBLE_SIZE)
)

ENCODED_TOKENS = {token: bytes((index,)) for index, token in enumerate(SINGLE_BYTE_TOKENS) if token} | {
    token: bytes((SINGLE_SIZE + dictionary, index))
    for dictionary, tokens in enumerate(DOUBLE_BYTE_TOKENS)
    for index, token in enumerate(tokens)
}
