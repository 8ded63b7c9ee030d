"""`roost link`: shows what a phone needs to link a session, in the terminal, until it is connected."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from rich.text import Text

from control_plane.linking import pictures
from infra.local.gateway import GatewayError

if TYPE_CHECKING:
    from rich.console import Console

    from infra.local.gateway import Gateway

_LOOK_EVERY_SECONDS = 0.5
_STARTABLE = frozenset({"created", "stopped", "logged_out", "failed"})
_GIVEN_UP = frozenset({"failed", "logged_out", "stopped"})
_NOT_YET = "session_not_ready"


async def ready_to_link(gateway: Gateway, session_id: str) -> dict[str, Any]:
    """Give a session that is started, and was created if there was none of this id."""
    try:
        session = await gateway.session(session_id)
    except GatewayError as error:
        if error.code != "no_such_session":
            raise
        return await gateway.create_session(session_id)
    if session["status"] in _STARTABLE:
        await gateway.order(session_id, "start")
        return await gateway.session(session_id)
    return session


async def link_by_qr(gateway: Gateway, session_id: str, console: Console) -> dict[str, Any]:
    """Draw the session's QR, anew whenever it changes, until it is connected; gives the session."""
    session = await ready_to_link(gateway, session_id)
    shown: str | None = None
    while session["status"] != "connected":
        _check(session)
        code = await _current_qr(gateway, session_id)
        if code is not None and code != shown:
            _show(console, session_id, code)
            shown = code
        await asyncio.sleep(_LOOK_EVERY_SECONDS)
        session = await gateway.session(session_id)
    return session


async def link_by_code(gateway: Gateway, session_id: str, number: str, console: Console) -> dict[str, Any]:
    """Print a code for the phone of this number, and wait until the session is connected; gives it."""
    session = await ready_to_link(gateway, session_id)
    if session["status"] != "connected":
        code = await gateway.pairing_code(session_id, number)
        console.print(f"On the phone: Linked devices, Link with phone number, and type [bold]{code}[/bold]")
    return await until_connected(gateway, session_id)


async def until_connected(gateway: Gateway, session_id: str) -> dict[str, Any]:
    """Wait until a session is connected, and give it; raises GatewayError when it gave up."""
    while True:
        session = await gateway.session(session_id)
        if session["status"] == "connected":
            return session
        _check(session)
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def drawn(code: str) -> Text:
    """Draw a QR that a phone's camera reads off a terminal of any theme."""
    return Text(pictures.text(code).rstrip(), style="rgb(255,255,255) on rgb(0,0,0)", no_wrap=True)


async def _current_qr(gateway: Gateway, session_id: str) -> str | None:
    try:
        return await gateway.qr(session_id)
    except GatewayError as error:
        if error.code in (_NOT_YET, "session_linked"):
            return None
        raise


def _show(console: Console, session_id: str, code: str) -> None:
    drawing = drawn(code)
    if console.is_terminal:
        console.clear()
    console.print(drawing)
    if console.is_terminal and console.height <= drawing.plain.count("\n") + 2:
        console.print("[yellow]It does not fit: make the window higher, or its letters smaller.[/yellow]")
    console.print(f"Scan it with the phone that {session_id} shall be: Linked devices, Link a device.")


def _check(session: dict[str, Any]) -> None:
    if session["status"] not in _GIVEN_UP:
        return
    why = (session.get("last_disconnect") or {}).get("reason", "no reason given")
    raise GatewayError(f"{session['id']} is {session['status']} ({why}): run the command again to start anew")
