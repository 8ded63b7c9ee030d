"""Makes an older copy of a device's database fit to send with: forgets what has gone on without it.

A Signal session or sender key that was used after the copy would repeat its counters, and who receives a
counter twice drops the message without a word. What is forgotten, whatsmeow starts anew with the next message
to that chat; messages that come in for a forgotten session are asked for again by whatsmeow itself.
Tables: whatsmeow, `store/sqlstore/upgrades/00-latest-schema.sql`; addresses: `types/jid.go`.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from typing import TYPE_CHECKING, NamedTuple

from infra.contract.jid import LID_SERVER, PN_SERVER, Jid

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

ANSWERS_RETRIES_FOR = 256
"""So many of the last messages whatsmeow encrypts again by itself when a contact asks (its `retry.go`)."""

_DELETE_SESSION = "DELETE FROM whatsmeow_sessions WHERE their_id = ?"
_DELETE_SENDER_KEY = "DELETE FROM whatsmeow_sender_keys WHERE chat_id = ? AND sender_id = ?"
_PEOPLE = (PN_SERVER, LID_SERVER)
_END_OF_USER = re.compile(r"[_:]")
"""An address is `user:device`, or `user_agent:device`: a LID's agent is 1."""


class Forgotten(NamedTuple):
    """What was forgotten, for the log."""

    sessions: int
    sender_keys: int


def forget_written(database: Path, chats: Collection[Jid]) -> Forgotten:
    """Forget what messages to these chats have used, and the sessions with the account's own devices.

    Who is in a group is not in the file, and each message to it uses the sessions with all its members: when
    a group was written to, all sessions go. When a person was whose other address is not in the file, so do
    all those that have no other address, since one of them may be this person's.
    """
    with contextlib.closing(sqlite3.connect(database)) as opened, opened:
        own = _own_users(opened)
        groups = [chat for chat in chats if chat.server not in _PEOPLE]
        people = {chat.user for chat in chats if chat.server in _PEOPLE}
        sessions = _addresses(opened) if groups else _of_people(opened, people, own)
        keys = [key for group in groups for key in _sender_keys(opened, group, own)]
        opened.executemany(_DELETE_SESSION, [(address,) for address in sessions])
        opened.executemany(_DELETE_SENDER_KEY, keys)
    return Forgotten(len(sessions), len(keys))


def _own_users(opened: sqlite3.Connection) -> set[str]:
    found = opened.execute("SELECT jid, lid FROM whatsmeow_device").fetchall()
    return {Jid.parse(address).user for addresses in found for address in addresses if address}


def _of_people(opened: sqlite3.Connection, people: set[str], own: set[str]) -> list[str]:
    pairs = opened.execute("SELECT lid, pn FROM whatsmeow_lid_map").fetchall()
    mapped = {user for pair in pairs for user in pair}
    doomed = own.union(people, *(pair for pair in pairs if not people.isdisjoint(pair)))
    some_unmapped = not people <= mapped
    return [
        address
        for address in _addresses(opened)
        if _user(address) in doomed or (some_unmapped and _user(address) not in mapped)
    ]


def _sender_keys(opened: sqlite3.Connection, group: Jid, users: set[str]) -> list[tuple[str, str]]:
    found = opened.execute("SELECT sender_id FROM whatsmeow_sender_keys WHERE chat_id = ?", (str(group),))
    return [(str(group), sender) for (sender,) in found if _user(sender) in users]


def _addresses(opened: sqlite3.Connection) -> list[str]:
    return [address for (address,) in opened.execute("SELECT their_id FROM whatsmeow_sessions")]


def _user(address: str) -> str:
    return _END_OF_USER.split(address, maxsplit=1)[0]
