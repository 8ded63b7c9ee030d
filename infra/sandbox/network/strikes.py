"""Faults that end a connection: carried out at once on whoever is online, else at the next login."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network.faults import Fault, FaultKind
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from infra.sandbox.network.accounts import Account
    from infra.sandbox.network.login import Login
    from infra.sandbox.network.network import Network

_BEFORE_LOGIN = (FaultKind.OFFLINE, FaultKind.TEMPORARY_BAN, FaultKind.CLIENT_OUTDATED)
_AFTER_LOGIN = (FaultKind.CLOSE, FaultKind.STREAM_ERROR_503, FaultKind.RESTART_515, FaultKind.REPLACED)

FOR_EVERYBODY = frozenset({FaultKind.CLOSE, FaultKind.OFFLINE})
"""What can go wrong for all numbers at once."""


def order(network: Network, fault: Fault) -> None:
    """Let a fault stand from now on, and happen now where it can. Raises NoSuchAccountError.

    A fault that ends connections and says neither how often nor how long happens once to each device that is
    online, or else to the next one that comes.
    """
    account = None if fault.number is None else network.directory.get(fault.number)
    if fault.kind is FaultKind.LOGGED_OUT and account is not None:
        network.unlink_all(account)
        return
    online = _online(network, account) if fault.kind in (*_BEFORE_LOGIN, *_AFTER_LOGIN) else []
    network.faults.order(fault, times=max(1, len(online)))
    for login in online:
        if fault.kind in _BEFORE_LOGIN:
            login.connection.abort()
        else:
            strike_login(network, login)
    if account is None:
        network.cut_registrations()


def _online(network: Network, account: Account | None) -> list[Login]:
    logins = network.all_logins() if account is None else network.logins_of(account)
    return [login for login in logins if not login.connection.closing]


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
