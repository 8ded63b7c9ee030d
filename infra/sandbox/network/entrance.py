"""The entrance: decides after a handshake who logs in, who is being linked, and who is turned away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from infra.contract.jid import Jid
from infra.sandbox.network import strikes
from infra.sandbox.network.accounts import SignedPrekey
from infra.sandbox.network.faults import FaultKind
from infra.sandbox.network.login import Login
from infra.sandbox.network.registration import Companion, Registration
from infra.sandbox.protobufs import as_text, companion_reg, wa6
from infra.sandbox.wire.node import Node
from infra.sandbox.wire.noise import HandshakeError

if TYPE_CHECKING:
    from typing import Any

    from infra.sandbox.network.connection import Connection, Guest
    from infra.sandbox.network.network import Network

LOGGED_OUT = "401"
TEMPORARILY_BANNED = "402"
CLIENT_OUTDATED = "405"
SENT_TO_TOO_MANY_PEOPLE = "101"

_KEY_SIZES = {"eIdent": 32, "eRegid": 4, "eSkeyID": 3, "eSkeyVal": 32, "eSkeySig": 64}

REFUSAL_DELAY = 0.3
"""Seconds before a refusal: neonize loses a LoggedOutEv that comes before its event loop runs."""


class TurnedAway:
    """Nobody: what a client says after it was sent away is not read."""

    def received(self, stanza: Node) -> None:
        """Drop a stanza."""

    def lost(self) -> None:
        """Do nothing: nobody is gone."""


def admit(network: Network, connection: Connection, payload: bytes, noise_public: bytes) -> Guest:
    """Let a client in, or send it away with a reason; raises HandshakeError for what is no client payload."""
    try:
        client = wa6.ClientPayload.FromString(payload)
        if client.HasField("username"):
            return _log_in(network, connection, client, noise_public)
        return _register(network, connection, client.devicePairingData, noise_public)
    except DecodeError as error:
        raise HandshakeError("the client payload cannot be read") from error


def _log_in(network: Network, connection: Connection, client: Any, noise_public: bytes) -> Guest:
    account = network.directory.find(Jid.phone_number(str(client.username)))
    device = None if account is None else network.directory.companion(account, client.device)
    if account is None or device is None or device.noise_public != noise_public:
        return _refused(connection, {"reason": LOGGED_OUT, "location": "sandbox"})
    if (turned_away := _fault(network, connection, account.number)) is not None:
        return turned_away
    login = Login(network, connection, account, device)
    login.begin()
    strikes.strike_login(network, login)
    return login


def _fault(network: Network, connection: Connection, number: str) -> TurnedAway | None:
    faults = network.faults
    if faults.use(number, FaultKind.OFFLINE):
        connection.abort()
        return TurnedAway()
    if ban := faults.use(number, FaultKind.TEMPORARY_BAN):
        expire = str(int(faults.remaining(ban)) or 3600)
        reason = {"reason": TEMPORARILY_BANNED, "code": SENT_TO_TOO_MANY_PEOPLE, "expire": expire}
        return _refused(connection, reason)
    if faults.use(number, FaultKind.CLIENT_OUTDATED):
        return _refused(connection, {"reason": CLIENT_OUTDATED})
    return None


def _refused(connection: Connection, why: dict[str, str]) -> TurnedAway:
    failure = Node("failure", dict(why))
    asyncio.get_running_loop().call_later(REFUSAL_DELAY, connection.hang_up, failure)
    return TurnedAway()


def _register(network: Network, connection: Connection, data: Any, noise_public: bytes) -> Guest:
    for name, size in _KEY_SIZES.items():
        if len(getattr(data, name)) != size:
            raise HandshakeError(f"{name} of a registration has {size} bytes")
    signed = SignedPrekey(int.from_bytes(data.eSkeyID, "big"), data.eSkeyVal, data.eSkeySig)
    companion = Companion(
        noise_public=noise_public,
        identity=data.eIdent,
        registration_id=int.from_bytes(data.eRegid, "big"),
        signed_prekey=signed,
        platform=as_text(companion_reg.DeviceProps.FromString(data.deviceProps).os),
    )
    registration = Registration(network, connection, companion)
    registration.begin()
    return registration
