"""A chain of keys, one for each message of a sender, that can be read in any order but only once."""

from __future__ import annotations

import msgspec

from infra.sandbox.signal.errors import DuplicateMessageError, TooFarAheadError
from infra.sandbox.signal.kdf import chain_step

# libsignal's limits (SessionCipher.go, SessionState.go).
MAX_AHEAD = 2000
MAX_SKIPPED = 2000


class Chain(msgspec.Struct, frozen=True):
    """The place in a chain: the next key, its counter, and the seeds of messages passed over.

    A chain never changes: each step gives the chain after it, so that a step is undone by forgetting it.
    Chains therefore share `skipped`, that nobody may write to.
    """

    key: bytes
    counter: int = 0
    skipped: dict[int, bytes] = {}

    def next(self) -> tuple[bytes, Chain]:
        """Give the seed (32 bytes) of the next message, and the chain after it."""
        seed, key = chain_step(self.key)
        return seed, Chain(key, self.counter + 1, self.skipped)

    def at(self, counter: int) -> tuple[bytes, Chain]:
        """Give the seed of the message with this counter, and the chain after it.

        Raises DuplicateMessageError and TooFarAheadError.
        """
        if counter == self.counter:
            return self.next()
        if counter < self.counter:
            return self._late(counter)
        return self._after_skipping_to(counter).next()

    def _late(self, counter: int) -> tuple[bytes, Chain]:
        if counter not in self.skipped:
            raise DuplicateMessageError(f"message {counter} was read before")
        skipped = dict(self.skipped)
        return skipped.pop(counter), Chain(self.key, self.counter, skipped)

    def _after_skipping_to(self, counter: int) -> Chain:
        if counter - self.counter > MAX_AHEAD:
            raise TooFarAheadError(f"message {counter} came after message {self.counter - 1}")
        key, skipped = self.key, dict(self.skipped)
        for passed in range(self.counter, counter):
            skipped[passed], key = chain_step(key)
        for oldest in list(skipped)[:-MAX_SKIPPED]:
            del skipped[oldest]
        return Chain(key, counter, skipped)
