"""Derive WhatsApp's token dictionaries from the installed neonize, by reading its library as a file.

Go keeps a string as pointer and length, and a slice as pointer, length and capacity, 8 bytes each. In a
shared library the pointers stand in the relocations, from which the loader fills them in.
"""

from __future__ import annotations

import argparse
import struct
import sys
from pathlib import Path

from infra.sandbox.protobufs import NEONIZE_FOLDER
from infra.sandbox.wire.tokens import DOUBLE_DICTIONARIES, DOUBLE_SIZE, SINGLE_SIZE

LIBRARY = NEONIZE_FOLDER / "neonize-linux-amd64.so"
TOKENS_FILE = Path(__file__).parents[1] / "infra/sandbox/wire/tokens.txt"

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_RELA, _DT_RELASZ = 7, 8
_R_X86_64_RELATIVE = 8


class TokensNotFoundError(LookupError):
    """The library does not hold the dictionaries in the form that this script knows."""


class SharedLibrary:
    """An ELF file for x86-64, read by the addresses that it has in memory."""

    def __init__(self, image: bytes) -> None:
        self._image = image
        (headers_at,) = struct.unpack_from("<Q", image, 0x20)
        (count,) = struct.unpack_from("<H", image, 0x38)
        headers = [struct.unpack_from("<IIQQQQ", image, headers_at + 56 * i) for i in range(count)]
        self._loaded = [(start, size, at) for kind, _, at, start, _, size in headers if kind == _PT_LOAD]
        dynamic = next(image[at : at + size] for kind, _, at, *_, size in headers if kind == _PT_DYNAMIC)
        entries = dict(struct.iter_unpack("<QQ", dynamic))
        relocations = struct.iter_unpack("<QQQ", self.read(entries[_DT_RELA], entries[_DT_RELASZ]))
        self.pointers = {place: target for place, kind, target in relocations if kind == _R_X86_64_RELATIVE}

    def read(self, address: int, size: int) -> bytes:
        """Give the bytes at an address; none when the file has none there."""
        for start, length, at in self._loaded:
            if start <= address < start + length:
                return self._image[at + address - start : at + address - start + size]
        return b""

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Give so many 64-bit numbers."""
        return struct.unpack(f"<{count}Q", self.read(address, 8 * count))

    def string(self, header: int) -> str:
        """Give the Go string whose header is at this address; an empty one points nowhere."""
        if header not in self.pointers:
            return ""
        (length,) = self.words(header + 8, 1)
        return self.read(self.pointers[header], length).decode()

    def strings(self, header: int, count: int) -> list[str]:
        """Give an array of Go strings."""
        return [self.string(header + 16 * i) for i in range(count)]

    def headers_of(self, text: str) -> set[int]:
        """Give the addresses of all headers of this Go string."""
        wanted = text.encode()
        return {
            place
            for place, target in self.pointers.items()
            if self.read(target, len(wanted)) == wanted and self.words(place + 8, 1) == (len(wanted),)
        }


def derive(library: SharedLibrary) -> list[str]:
    """Give all tokens: the single-byte ones, then the four double-byte dictionaries."""
    return [*_single_byte_tokens(library), *_double_byte_tokens(library)]


def _single_byte_tokens(library: SharedLibrary) -> list[str]:
    for header in library.headers_of("xmlstreamstart"):
        tokens = library.strings(header - 16, SINGLE_SIZE)
        if tokens[:3] == ["", "xmlstreamstart", "xmlstreamend"]:
            return tokens
    raise TokensNotFoundError("no array begins with xmlstreamstart, xmlstreamend")


def _double_byte_tokens(library: SharedLibrary) -> list[str]:
    firsts = library.headers_of("read-self")
    for slices, target in library.pointers.items():
        if target in firsts and library.words(slices + 8, 2) == (DOUBLE_SIZE, DOUBLE_SIZE):
            arrays = [library.pointers[slices + 24 * i] for i in range(DOUBLE_DICTIONARIES)]
            return [token for array in arrays for token in library.strings(array, DOUBLE_SIZE)]
    raise TokensNotFoundError("no dictionary begins with read-self")


def main() -> int:
    """Write the tokens, or compare them; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit with 1 when the file is out of date")
    check = parser.parse_args().check

    text = "\n".join(derive(SharedLibrary(LIBRARY.read_bytes()))) + "\n"

    if not check:
        TOKENS_FILE.write_text(text, encoding="utf-8")
    elif TOKENS_FILE.read_text(encoding="utf-8") != text:
        print(f"{TOKENS_FILE.name} is not of {LIBRARY.name}: run python -m scripts.derive_tokens")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
