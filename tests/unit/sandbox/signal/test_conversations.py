"""Two devices in any interleaving: losses, reordering, duplicates, damage, new sessions, restarts."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from infra.sandbox.signal.device import DeviceKeys, Envelope, EnvelopeKind, SignalDevice
from infra.sandbox.signal.errors import BadMacError, DuplicateMessageError, SignalError
from infra.sandbox.signal.messages import PreKeySignalMessage, SignalMessage
from infra.sandbox.signal.session import SessionRecord

NAMES = st.sampled_from(["alice", "bob"])
PLACES = st.integers(0, 1000)


class Letter(msgspec.Struct):
    """A message between sending and reading."""

    receiver: str
    message: bytes
    envelope: Envelope

    @property
    def sealed(self) -> bytes:
        """The SignalMessage inside, the part that is authentic as a whole."""
        if self.envelope.kind is EnvelopeKind.MSG:
            return self.envelope.ciphertext
        return PreKeySignalMessage.decode(self.envelope.ciphertext).sealed

    def damaged(self, where: int, mask: int) -> Envelope:
        """Give the envelope with one byte of that part altered."""
        sealed = bytearray(self.sealed)
        sealed[where % len(sealed)] ^= mask
        if self.envelope.kind is EnvelopeKind.MSG:
            return Envelope(EnvelopeKind.MSG, bytes(sealed))
        first = PreKeySignalMessage.decode(self.envelope.ciphertext)
        altered = msgspec.structs.replace(first, sealed=bytes(sealed))
        return Envelope(EnvelopeKind.PKMSG, altered.encode())


class Conversation(RuleBasedStateMachine):
    """Whatever happens on the way, a letter that arrives is read once, and damage changes nothing.

    Only a letter whose ratchet turn was followed and is five turns old may be past reading.
    """

    def __init__(self) -> None:
        """Begin with two strangers."""
        super().__init__()
        self.devices = {name: SignalDevice(DeviceKeys.generate()) for name in ("alice", "bob")}
        self.on_the_way: list[Letter] = []
        self.read: list[Letter] = []
        self.followed: set[bytes] = set()
        self.sent = 0

    @initialize(starters=st.sampled_from([["alice"], ["alice", "bob"]]))
    def get_to_know(self, starters: list[str]) -> None:
        """Start a session, from one side or from both at once."""
        for name in starters:
            self.start_session(name)

    @precondition(lambda self: self.sent > 5)
    @rule(name=NAMES)
    def start_session(self, name: str) -> None:
        """Start anew, as after a retry receipt."""
        self.devices[name].start_session(other(name), self.devices[other(name)].prekey_bundle())

    @rule(name=NAMES, count=st.integers(1, 4))
    def send(self, name: str, count: int) -> None:
        """Write a few letters to the other, once there is a session."""
        for _ in range(count if self.devices[name].has_session(other(name)) else 0):
            self.sent += 1
            message = f"message {self.sent}".encode()
            envelope = self.devices[name].encrypt(other(name), message)
            self.on_the_way.append(Letter(other(name), message, envelope))

    @precondition(lambda self: self.on_the_way)
    @rule()
    def deliver_the_oldest(self) -> None:
        """Read the letter that waits longest."""
        self.deliver(0)

    @precondition(lambda self: self.on_the_way)
    @rule(place=PLACES)
    def deliver(self, place: int) -> None:
        """Read any letter."""
        letter = self.on_the_way.pop(place % len(self.on_the_way))
        if self.is_past_reading(letter):
            self.refuses(letter, letter.envelope, BadMacError)
            return

        message = self.devices[letter.receiver].decrypt(other(letter.receiver), letter.envelope)

        assert message == letter.message
        self.read.append(letter)
        self.followed.add(SignalMessage.decode(letter.sealed).ratchet)

    @precondition(lambda self: self.on_the_way)
    @rule(place=PLACES)
    def lose(self, place: int) -> None:
        """Let a letter never arrive."""
        self.on_the_way.pop(place % len(self.on_the_way))

    @precondition(lambda self: self.read)
    @rule(place=PLACES)
    def deliver_again(self, place: int) -> None:
        """Bring a letter that was read before."""
        letter = self.read[place % len(self.read)]
        expected = BadMacError if self.is_past_reading(letter) else DuplicateMessageError
        self.refuses(letter, letter.envelope, expected)

    @precondition(lambda self: self.on_the_way)
    @rule(place=PLACES, where=PLACES, mask=st.integers(1, 255))
    def deliver_damaged(self, place: int, where: int, mask: int) -> None:
        """Bring an altered copy of a letter; the letter itself may still come."""
        letter = self.on_the_way[place % len(self.on_the_way)]
        self.refuses(letter, letter.damaged(where, mask), SignalError)

    @rule(name=NAMES)
    def restart(self, name: str) -> None:
        """Come back from storage."""
        device = self.devices[name]
        for address, session in device.sessions.items():
            encoded = msgspec.msgpack.encode(session)
            device.sessions[address] = msgspec.msgpack.decode(encoded, type=SessionRecord)

    def refuses(self, letter: Letter, envelope: Envelope, error: type[SignalError]) -> None:
        device = self.devices[letter.receiver]
        before = msgspec.msgpack.encode(device)

        with pytest.raises(error):
            device.decrypt(other(letter.receiver), envelope)

        assert msgspec.msgpack.encode(device) == before

    def is_past_reading(self, letter: Letter) -> bool:
        ratchet = SignalMessage.decode(letter.sealed).ratchet
        session = self.devices[letter.receiver].sessions.get(other(letter.receiver), SessionRecord())
        return ratchet in self.followed and not any(ratchet in state.receiving for state in session.states)


def other(name: str) -> str:
    return "bob" if name == "alice" else "alice"


Conversation.TestCase.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
test_a_letter_that_arrives_is_read_once = Conversation.TestCase
