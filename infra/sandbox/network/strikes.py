"""Faults that end a connection: carried out at once on whoever is online, else at the next login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network.faults import Fault, FaultKind
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.login import Login
    from infra.sandbox.network.network import Network

_AFTER_LOGIN = (FaultKind.CLOSE, FaultKind.STREAM_ERROR_503, FaultKind.RESTART_515, FaultKind.REPLACED)
_BEFORE_LOGIN = (FaultKind.OFFLINE, FaultKind.TEMPORARY_BAN, FaultKind.CLIENT_OUTDATED)


FOR_EVERYBODY = frozenset({FaultKind.CLOSE, FaultKind.OFFLINE})
"""What can go wrong for all numbers at once."""


def order(network: Network, fault: Fault) -> None:
    """Let a fault stand from now on, and happen now where it can. Raises NoSuchAccountError."""
    if fault.number is None:
        _order_for_everybody(network, fault)
    else:
        _order(network, fault, network.directory.get(fault.number))


def _order_for_everybody(network: Network, fault: Fault) -> None:
    if fault.kind is FaultKind.OFFLINE or fault.seconds is not None:
        network.faults.order(fault)
    for login in network.all_logins():
        login.connection.abort()


def _order(network: Network, fault: Fault, account: Account) -> None:
    if fault.kind is FaultKind.LOGGED_OUT:
        for device in network.directory.companions(account):
            network.unlink(device)
        return
    network.faults.order(fault)
    for login in network.logins_of(account):
        if fault.kind in _BEFORE_LOGIN:
            login.connection.abort()
        else:
            strike_login(network, login)


def strike_login(network: Network, login: Login) -> None:
    """Carry out one standing fault on a connection, if there is one that ends connections."""
    for kind in _AFTER_LOGIN:
        if network.faults.use(login.account.number, kind):
            _end(login, kind)
            return


def _end(login: Login, kind: FaultKind) -> None:
    match kind:
        case FaultKind.CLOSE:
            login.connection.abort()
        case FaultKind.STREAM_ERROR_503:
            login.stream_error(code="503")
        case FaultKind.RESTART_515:
            login.stream_error(code="515")
        case FaultKind.REPLACED:
            login.stream_error(Node("conflict", {"type": "replaced"}))
        case _:
            raise ValueError(f"{kind} ends no connection")
