"""What a phone remembers, as the storage keeps it and as the control API shows it."""

from __future__ import annotations

import msgspec

from infra.sandbox.app_state import AppStateKey


class PhoneRecord(msgspec.Struct):
    """A phone's own settings and secrets, but for its Signal keys."""

    number: str
    app_state_key: AppStateKey
    sends_receipts: bool = True
    available: bool = True


class Media(msgspec.Struct):
    """A file that came with a message. `sha256` is of the decrypted bytes, None until they were fetched."""

    mime: str
    length: int
    direct_path: str
    media_key: bytes
    file_sha256: bytes
    file_enc_sha256: bytes
    sha256: str | None = None
    problem: str | None = None
    """Why the bytes could not be fetched or decrypted."""


class Content(msgspec.Struct):
    """What a message says. `target` is the id of the message that it edits, revokes, reacts or replies to."""

    kind: str
    text: str = ""
    target: str | None = None
    media: Media | None = None


class Received(msgspec.Struct):
    """One message as the phone got it, numbered from 1. Numbers and the group's id, no JIDs.

    `problem` says why it could not be decrypted; `duplicate_counter` that its Signal counter was used before,
    so that a real phone would have dropped it without a word.
    """

    number: int
    id: str
    sender: str
    chat: str
    from_me: bool
    received_at: float
    content: Content | None = None
    problem: str | None = None
    duplicate_counter: bool = False
    attempt: int = 0
    """0 for the first sending, n for the answer to the nth retry receipt."""


class Noticed(msgspec.Struct):
    """Something else that the phone saw: a receipt, typing, presence. `kind` is the stanza's word for it."""

    number: int
    event: str
    kind: str
    sender: str
    ids: list[str] = []


class Sent(msgspec.Struct):
    """A message that the phone sent, kept to encrypt it again when a device asks."""

    id: str
    chat: str
    message: bytes
    stanza_type: str
    media_type: str | None
    sent_at: float
    attempts: dict[str, int] = {}
    """How often each device asked, by its JID."""
