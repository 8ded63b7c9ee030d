"""Calls in the table: what the API asks of a session's connector, and the answers."""

from __future__ import annotations

from datetime import datetime

from infra.aws.clients import Clients
from infra.contract.calls import Answer, Call
from infra.contract.ids import SessionId


class Calls:
    """The calls of all sessions. They are deleted some time after they expired."""

    def __init__(self, clients: Clients) -> None: ...

    def ask(self, call: Call) -> None:
        """Store a call; the caller nudges the shard."""
        raise NotImplementedError

    def find(self, session_id: SessionId, call_id: str) -> Call | None:
        """Give a call, with its answer once it is there; consistent."""
        raise NotImplementedError

    def answer(self, session_id: SessionId, call_id: str, answer: Answer, *, fence: int) -> Call | None:
        """Answer a call; None if it is answered otherwise already, or gone."""
        raise NotImplementedError

    def open_for(self, session_id: SessionId, *, now: datetime) -> list[Call]:
        """Give the calls that are neither answered nor expired, oldest first; consistent."""
        raise NotImplementedError
