"""The client kit, where it must with the real neonize in child processes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from infra.sandbox import client_kit
from infra.sandbox.address import SandboxAddress
from infra.sandbox.client_kit import NeonizeNotLoadedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = bytes(range(32))
ADDRESS = SandboxAddress("http://127.0.0.1:1", "/ca.pem", KEY, "http://127.0.0.1:2")


def run(*arguments: str, environment: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=60
    )


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
from infra.sandbox.address import SandboxAddress
address = {ADDRESS!r}
os.environ.update(client_kit.environment(address, {{}}))
try:
    client_kit.check_environment(address)
except client_kit.EnvironmentTooLateError as error:
    print(error)
"""

    outcome = run("-c", program)

    assert "HTTPS_PROXY, SSL_CERT_FILE, NO_PROXY must be set before" in outcome.stdout


def test_a_process_started_with_the_environment_is_content() -> None:
    program = f"""
from infra.sandbox import client_kit
from infra.sandbox.address import SandboxAddress
client_kit.check_environment({ADDRESS!r})
"""

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
    ADDRESS.write(tmp_path)
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
