"""What a process that uses the unmodified neonize needs in order to talk to the sandbox instead of WhatsApp.

Three things differ: where connections go (`HTTPS_PROXY`), whom TLS believes (`SSL_CERT_FILE`), and whom the
Noise handshake believes (a key pinned inside neonize). Go reads the first two from the environment that the
process was *exec'ed* with, so setting `os.environ` is too late; the third is exchanged in memory.
For an unchanged script there is a launcher:

    python -m infra.sandbox.client_kit DIR mybot.py [ARGUMENT…]

    ClientKitError
    ├── EnvironmentTooLateError
    └── IssuerKeyError
        ├── NotLinuxError
        ├── NeonizeNotLoadedError
        └── UnknownNeonizeError
"""

from __future__ import annotations

import ctypes
import os
import runpy
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from infra.sandbox.address import AddressError, SandboxAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KNOWN_NEONIZE = ("0.5.2",)

# whatsmeow, handshake.go: WACertPubKey, the key that signs the certificate chain of the Noise handshake.
_WHATSAPP_ISSUER = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
_LOOPBACK = "localhost,127.0.0.1,::1"


class ClientKitError(Exception):
    """This process cannot talk to the sandbox."""


class EnvironmentTooLateError(ClientKitError):
    """The process was not started with the sandbox's environment, which Go reads only at its start."""


class IssuerKeyError(ClientKitError):
    """The pinned key of the Noise handshake cannot be exchanged."""


class NotLinuxError(IssuerKeyError):
    """Finding the key in memory needs Linux's /proc."""


class NeonizeNotLoadedError(IssuerKeyError):
    """`import neonize` must come before the exchange."""


class UnknownNeonizeError(IssuerKeyError):
    """This build of neonize does not hold the key once, as the known ones do."""


def environment(address: SandboxAddress, base: Mapping[str, str]) -> dict[str, str]:
    """Give the environment to exec a client with: `base`, led to the sandbox.

    It binds Python's own HTTPS in that process too: urllib, httpx and requests will use the proxy, and `ssl`
    believes only the sandbox. Plain HTTP and loopback stay direct. Exceptions that `base` makes from its own
    proxy are dropped, as one of them could lead past the sandbox to the real WhatsApp.
    """
    ours = {"HTTPS_PROXY": address.proxy, "SSL_CERT_FILE": address.ca_file, "NO_PROXY": _LOOPBACK}
    return {name: value for name, value in base.items() if name.upper() not in ours} | ours


def check_environment(address: SandboxAddress) -> None:
    """Raise EnvironmentTooLateError unless this process was *started* with the sandbox's environment."""
    at_exec = _environment_at_exec()
    wrong = [name for name, value in environment(address, {}).items() if at_exec.get(name) != value]
    if wrong:
        raise EnvironmentTooLateError(
            f"{', '.join(wrong)} must be set before this process starts, as Go reads them only then: "
            "start it with client_kit.environment(), or call client_kit.reexec_if_needed() first of all"
        )


def reexec_if_needed(address: SandboxAddress) -> None:
    """Exec this program anew unless it was started with the sandbox's environment; call it first of all."""
    try:
        check_environment(address)
    except EnvironmentTooLateError:
        os.execve(sys.executable, sys.orig_argv, environment(address, os.environ))  # noqa: S606


def trust_issuer(issuer_public_key: bytes) -> None:
    """Let the loaded neonize believe the sandbox's Noise certificates; raises IssuerKeyError.

    Call it after `import neonize` and before `connect()`. Nothing on disk changes. Again is harmless.
    """
    if len(issuer_public_key) != len(_WHATSAPP_ISSUER):
        raise ValueError("an issuer's public key has 32 bytes")
    if not sys.platform.startswith("linux"):
        raise NotLinuxError(f"the sandbox's clients need Linux, and this is {sys.platform}")
    mappings = list(_writable_mappings_of_neonize())
    if not mappings:
        raise NeonizeNotLoadedError("import neonize first: its Go library is not loaded")
    places = list(_places(_WHATSAPP_ISSUER, mappings))
    if not places and list(_places(issuer_public_key, mappings)):
        return
    if len(places) != 1:
        raise UnknownNeonizeError(
            f"the key was found {len(places)} times in neonize {metadata.version('neonize')}; "
            f"known to work: {', '.join(KNOWN_NEONIZE)}"
        )
    ctypes.memmove(places[0], issuer_public_key, len(_WHATSAPP_ISSUER))


def _environment_at_exec() -> dict[str, str]:
    entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in entries if entry)
    return {name: value for name, _, value in pairs}


def _writable_mappings_of_neonize() -> Iterator[tuple[int, int]]:
    """Give start and length of each; a line reads `7f00-7f80 rw-p 000 08:01 42 /…/neonize-linux-amd64.so`."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, permissions, *_, path = line.split(maxsplit=5)
        if permissions.startswith("rw") and Path(path).name.startswith("neonize-linux-"):
            start, end = (int(border, 16) for border in span.split("-"))
            yield start, end - start


def _places(key: bytes, mappings: list[tuple[int, int]]) -> Iterator[int]:
    for start, length in mappings:
        memory = ctypes.string_at(start, length)
        at = memory.find(key)
        while at >= 0:
            yield start + at
            at = memory.find(key, at + 1)


def main(arguments: list[str]) -> None:
    """Run an unchanged Python script that uses neonize against the sandbox of a folder."""
    if len(arguments) < 2:  # noqa: PLR2004
        sys.exit("usage: python -m infra.sandbox.client_kit DIR SCRIPT.py [ARGUMENT…]")
    folder, script, *_ = arguments
    try:
        address = SandboxAddress.read(Path(folder))
        reexec_if_needed(address)
        import_module("neonize")
        trust_issuer(address.issuer_public_key)
    except (AddressError, ClientKitError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.argv = arguments[1:]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
