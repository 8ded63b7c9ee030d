"""What is forgotten of an older copy; that it is enough is shown on the sandbox (test_take_over.py)."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from connector.signal_repair import Forgotten, forget_written
from infra.contract.jid import Jid

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

BOB, CYD = Jid.phone_number("15550101"), Jid.phone_number("15550102")
GROUP, OTHER_GROUP = Jid("1203630250", "g.us"), Jid("1203630251", "g.us")

OWN = ["9000_1:0", "15550100:0"]
OF_BOB = ["9001_1:0", "9001_1:7", "9001_129:99", "15550101:0"]
OF_CYD = ["9002_1:0"]
UNMAPPED = ["9003_1:0"]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Ada's database: sessions with Bob, Cyd, somebody whose number is not known, and her own devices."""
    path = tmp_path / "ada.db"
    with contextlib.closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE whatsmeow_device (jid TEXT, lid TEXT)")
        made.execute("CREATE TABLE whatsmeow_sessions (their_id TEXT)")
        made.execute("CREATE TABLE whatsmeow_sender_keys (chat_id TEXT, sender_id TEXT)")
        made.execute("CREATE TABLE whatsmeow_lid_map (lid TEXT, pn TEXT)")
        made.execute("INSERT INTO whatsmeow_device VALUES ('15550100:3@s.whatsapp.net', '9000:3@lid')")
        sessions = [*OWN, *OF_BOB, *OF_CYD, *UNMAPPED]
        made.executemany("INSERT INTO whatsmeow_sessions VALUES (?)", [(each,) for each in sessions])
        made.executemany(
            "INSERT INTO whatsmeow_lid_map VALUES (?, ?)", [("9001", "15550101"), ("9002", "15550102")]
        )
        keys = [(str(group), sender) for group in (GROUP, OTHER_GROUP) for sender in ("9000_1:3", "9001_1:0")]
        made.executemany("INSERT INTO whatsmeow_sender_keys VALUES (?, ?)", keys)
    return path


def left(database: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(database)) as opened:
        return [each for (each,) in opened.execute("SELECT their_id FROM whatsmeow_sessions")]


@pytest.mark.parametrize(
    ("written", "stays"),
    [
        ([], [*OF_BOB, *OF_CYD, *UNMAPPED]),
        ([BOB], [*OF_CYD, *UNMAPPED]),
        ([Jid.lid("9001")], [*OF_CYD, *UNMAPPED]),
        ([BOB, CYD], UNMAPPED),
        ([Jid.phone_number("15550199")], [*OF_BOB, *OF_CYD]),
        ([Jid.lid("9003")], [*OF_BOB, *OF_CYD]),
        ([GROUP], []),
    ],
    ids=["nobody", "Bob", "Bob's LID", "both", "an unknown number", "a LID without a number", "a group"],
)
def test_the_sessions_with_those_who_were_written_to_go_and_those_with_own_devices(
    database: Path, written: Collection[Jid], stays: list[str]
) -> None:
    before = left(database)

    forgotten = forget_written(database, written)

    assert left(database) == stays
    assert forgotten.sessions == len(before) - len(stays)


def test_a_number_that_begins_another_is_not_that_other(database: Path) -> None:
    forget_written(database, [Jid.phone_number("1555010"), Jid.lid("900")])

    assert set(OF_BOB) <= set(left(database))


def test_of_a_group_only_the_own_sender_key_goes(database: Path) -> None:
    forgotten = forget_written(database, [GROUP, BOB])

    with contextlib.closing(sqlite3.connect(database)) as opened:
        keys = opened.execute("SELECT chat_id, sender_id FROM whatsmeow_sender_keys").fetchall()
    assert forgotten == Forgotten(sessions=8, sender_keys=1)
    assert keys == [
        (str(GROUP), "9001_1:0"),
        (str(OTHER_GROUP), "9000_1:3"),
        (str(OTHER_GROUP), "9001_1:0"),
    ]
