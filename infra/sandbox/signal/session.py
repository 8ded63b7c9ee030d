"""A Signal session: every state shared with one address, the one in use first.

Two devices that write to each other for the first time at the same moment make two states; messages of both
are on their way, so both are kept, and the one that was last read with is written with.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum

import msgspec

from infra.sandbox.signal.errors import BadMacError, NoSessionError, TooFarAheadError
from infra.sandbox.signal.messages import PreKeySignalMessage, SignalMessage
from infra.sandbox.signal.ratchet import SessionState

# libsignal's limit: the state in use and 40 older ones (SessionRecord.go).
MAX_STATES = 41


class EnvelopeKind(StrEnum):
    """What an `<enc>` holds, named as its attribute `type` names it."""

    PKMSG = "pkmsg"
    MSG = "msg"


class Envelope(msgspec.Struct, frozen=True):
    """An encrypted message of a session, as it travels in an `<enc>`."""

    kind: EnvelopeKind
    ciphertext: bytes


class SessionRecord(msgspec.Struct, frozen=True):
    """The states shared with one address: a value that is replaced, and stored, as a whole."""

    states: tuple[SessionState, ...] = ()

    def started_with(self, base_key: bytes) -> bool:
        """Tell whether one of the states began with this base key."""
        return any(state.base_key == base_key for state in self.states)

    def using(self, state: SessionState, instead_of: SessionState | None = None) -> SessionRecord:
        """Give the record with this state in use, in the place of its predecessor if it has one."""
        others = (other for other in self.states if other is not instead_of)
        return SessionRecord((state, *others)[:MAX_STATES])

    def encrypt(self, plaintext: bytes, registration_id: int) -> tuple[Envelope, SessionRecord]:
        """Encrypt with the state in use: a pkmsg until the peer has answered; raises NoSessionError."""
        if not self.states:
            raise NoSessionError("nothing is shared with this address")
        state = self.states[0]
        sealed, after = state.encrypt(plaintext)
        return _envelope(state, sealed, registration_id), self.using(after, instead_of=state)

    def decrypt(self, sealed: bytes) -> tuple[bytes, SessionRecord]:
        """Give the plaintext of a SignalMessage, and the record after it.

        Raises BadMacError, DuplicateMessageError, TooFarAheadError and SignalFormatError.
        """
        message = SignalMessage.decode(sealed)
        for state in self.states:
            # A ratchet key occurs in one state only, whose word then is final.
            if message.ratchet in state.receiving:
                plaintext, after = state.decrypt(message, sealed)
                return plaintext, self.using(after, instead_of=state)
        for state in self.states:
            with suppress(BadMacError, TooFarAheadError):
                plaintext, after = state.decrypt(message, sealed)
                return plaintext, self.using(after, instead_of=state)
        raise BadMacError(f"message {message.counter} fits none of {len(self.states)} states")


def _envelope(state: SessionState, sealed: bytes, registration_id: int) -> Envelope:
    if state.pending is None:
        return Envelope(EnvelopeKind.MSG, sealed)
    message = PreKeySignalMessage(
        registration_id=registration_id,
        prekey_id=state.pending.prekey_id,
        signed_prekey_id=state.pending.signed_prekey_id,
        base_key=state.base_key,
        identity=state.identity,
        sealed=sealed,
    )
    return Envelope(EnvelopeKind.PKMSG, message.encode())
