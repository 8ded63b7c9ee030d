"""The client kit's files and environment here; with the real neonize in child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from infra.sandbox import client_kit
from infra.sandbox.client_kit import AddressError, NeonizeNotLoadedError, SandboxAddress

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = bytes(range(32))
ADDRESS = SandboxAddress("http://127.0.0.1:1", "/ca.pem", KEY, "http://127.0.0.1:2")


def write_address(folder: Path, **changes: str) -> None:
    written = {
        "proxy": ADDRESS.proxy,
        "ca_file": ADDRESS.ca_file,
        "issuer_public_key": KEY.hex(),
        "control": ADDRESS.control,
    }
    (folder / "sandbox.json").write_bytes(msgspec.json.encode(written | changes))


def run(*arguments: str, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_address_is_read_from_the_sandboxs_folder(tmp_path: Path) -> None:
    write_address(tmp_path)

    assert client_kit.read_address(tmp_path) == ADDRESS


def test_a_folder_without_a_sandbox_is_told(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="is the sandbox running"):
        client_kit.read_address(tmp_path)


@pytest.mark.parametrize("key", ["", "00", "zz" * 32])
def test_an_address_with_a_broken_key_is_refused(tmp_path: Path, key: str) -> None:
    write_address(tmp_path, issuer_public_key=key)

    with pytest.raises(AddressError, match="issuer_public_key"):
        client_kit.read_address(tmp_path)


def test_the_environment_leads_to_the_sandbox_and_past_no_other_proxy() -> None:
    base = {"PATH": "/bin", "https_proxy": "http://corp:3128", "NO_PROXY": "*", "no_proxy": ".whatsapp.com"}

    assert client_kit.environment(ADDRESS, base) == {
        "PATH": "/bin",
        "HTTPS_PROXY": ADDRESS.proxy,
        "SSL_CERT_FILE": ADDRESS.ca_file,
        "NO_PROXY": "localhost,127.0.0.1,::1",
    }


def test_setting_the_environment_in_the_running_process_is_told_to_be_too_late() -> None:
    program = f"""
import os
from infra.sandbox import client_kit
address = client_kit.{ADDRESS!r}
os.environ.update(client_kit.environment(address, {{}}))
try:
    client_kit.check_environment(address)
except client_kit.EnvironmentTooLateError as error:
    print(error)
"""

    outcome = run("-c", program)

    assert "HTTPS_PROXY, SSL_CERT_FILE, NO_PROXY must be set before" in outcome.stdout


def test_a_process_started_with_the_environment_is_content() -> None:
    program = f"from infra.sandbox import client_kit; client_kit.check_environment(client_kit.{ADDRESS!r})"

    outcome = run("-c", program, environment=client_kit.environment(ADDRESS, os.environ))

    assert outcome.returncode == 0, outcome.stderr


def test_the_exchange_needs_a_loaded_neonize() -> None:
    with pytest.raises(NeonizeNotLoadedError):
        client_kit.trust_issuer(KEY)


def test_the_key_is_exchanged_in_memory_and_again_is_harmless() -> None:
    program = f"""
import neonize
from infra.sandbox import client_kit
key = {KEY!r}
client_kit.trust_issuer(key)
client_kit.trust_issuer(key)
try:
    client_kit.trust_issuer(bytes(32 * [7]))
except client_kit.UnknownNeonizeError as error:
    print(error)
"""

    outcome = run("-c", program)

    assert "found 0 times in neonize 0.5.2; known to work: 0.5.2" in outcome.stdout, outcome.stderr


def test_the_launcher_runs_an_unchanged_script(tmp_path: Path) -> None:
    write_address(tmp_path)
    (tmp_path / "neighbour.py").write_text("WORD = 'hello'")
    (tmp_path / "bot.py").write_text(
        "import os, sys, neighbour, neonize\n"
        "print(__name__, sys.argv[1:], neighbour.WORD, os.environ['HTTPS_PROXY'])\n"
        "sys.exit(3)\n"
    )

    outcome = run("-m", "infra.sandbox.client_kit", str(tmp_path), str(tmp_path / "bot.py"), "--flag")

    assert outcome.stdout == f"__main__ ['--flag'] hello {ADDRESS.proxy}\n", outcome.stderr
    assert outcome.returncode == 3


def test_the_launcher_tells_when_there_is_no_sandbox(tmp_path: Path) -> None:
    outcome = run("-m", "infra.sandbox.client_kit", str(tmp_path), "bot.py")

    assert "AddressError" in outcome.stderr
    assert outcome.returncode == 1
