"""Where a running sandbox is: the file by which its clients find it."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  msgspec reads the annotations
from typing import Annotated, Self

import msgspec

ADDRESS_FILE = "sandbox.json"


class AddressError(Exception):
    """There is no sandbox's address in this folder."""


class _Written(msgspec.Struct):
    proxy: str
    ca_file: str
    issuer_public_key: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    control: str


class SandboxAddress(msgspec.Struct, frozen=True):
    """`proxy` and `control` are URLs on loopback, the key has 32 bytes."""

    proxy: str
    ca_file: str
    issuer_public_key: bytes
    control: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the file that a running sandbox keeps in its folder; raises AddressError."""
        file = folder / ADDRESS_FILE
        try:
            written = msgspec.json.decode(file.read_bytes(), type=_Written)
        except OSError as error:
            raise AddressError(
                f"{file} cannot be read ({error.strerror}): is the sandbox running?"
            ) from error
        except msgspec.DecodeError as error:
            raise AddressError(f"{file} is no sandbox's address: {error}") from error
        key = bytes.fromhex(written.issuer_public_key)
        return cls(written.proxy, written.ca_file, key, written.control)

    def write(self, folder: Path) -> None:
        """Write the file in one step."""
        written = _Written(self.proxy, self.ca_file, self.issuer_public_key.hex(), self.control)
        draft = folder / f"{ADDRESS_FILE}.new"
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(written)))
        draft.replace(folder / ADDRESS_FILE)
