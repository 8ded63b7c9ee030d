"""The sandbox's TLS identity, as files and as clients see it."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING

import pytest

from infra.sandbox.certificates import server_identity

if TYPE_CHECKING:
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> ssl.SSLObject:
    """Let both sides shake hands in memory, and give the client's side."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=host)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client_side, server_side]
    while waiting:
        side = waiting.pop(0)
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            waiting.append(side)
    return client_side


@pytest.mark.parametrize("host", ["web.whatsapp.com", "media.whatsapp.com", "mmg.whatsapp.net"])
def test_a_client_that_trusts_the_authority_believes_whatsapps_names(tmp_path: Path, host: str) -> None:
    identity = server_identity(tmp_path, NOW)
    client = ssl.create_default_context(cafile=str(identity.ca_file))
    client.set_alpn_protocols(["h2", "http/1.1"])

    connection = handshake(identity.ssl_context, client, host)

    assert connection.selected_alpn_protocol() == "http/1.1"


def test_it_has_no_other_names(tmp_path: Path) -> None:
    identity = server_identity(tmp_path, NOW)
    client = ssl.create_default_context(cafile=str(identity.ca_file))

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(identity.ssl_context, client, "example.com")


def test_it_is_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    first = server_identity(tmp_path, NOW).ca_file.read_bytes()

    again = server_identity(tmp_path, NOW + dt.timedelta(days=300)).ca_file.read_bytes()

    assert again == first


def test_it_is_made_anew_before_it_expires(tmp_path: Path) -> None:
    first = server_identity(tmp_path, NOW - dt.timedelta(days=364, hours=1)).ca_file.read_bytes()

    again = server_identity(tmp_path, NOW).ca_file.read_bytes()

    assert again != first


@pytest.mark.parametrize("file", ["ca.pem", "server.pem"])
@pytest.mark.parametrize("damage", ["missing", "empty", "of_another_identity"])
def test_it_is_made_anew_when_it_is_broken(tmp_path: Path, file: str, damage: str) -> None:
    folder = tmp_path / "identity"
    first = server_identity(folder, NOW).ca_file.read_bytes()
    match damage:
        case "missing":
            (folder / file).unlink()
        case "empty":
            (folder / file).write_bytes(b"")
        case _:
            server_identity(tmp_path / "other", NOW)
            (tmp_path / "other" / file).replace(folder / file)

    identity = server_identity(folder, NOW)

    client = ssl.create_default_context(cafile=str(identity.ca_file))
    assert handshake(identity.ssl_context, client, "web.whatsapp.com").version() == "TLSv1.3"
    assert identity.ca_file.read_bytes() != first


def test_only_the_owner_may_read_the_private_key(tmp_path: Path) -> None:
    server_identity(tmp_path, NOW)

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert modes == {"ca.pem": 0o644, "server.pem": 0o600}
