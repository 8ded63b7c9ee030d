"""Whether a device host that has not died still lives: it is asked again and again, and any word will do."""

from __future__ import annotations

_MISSED = 6
"""So many questions without a word in between, and it hangs."""


class Pulse:
    """Counts in questions and not by a clock: when all of us were paused, nobody is to blame."""

    def __init__(self) -> None:
        self.busy = False
        """Whether we are not listening: then silence says nothing."""
        self._heard = True
        self._missed = 0

    def heard(self) -> None:
        """Note a word of the host."""
        self._heard = True

    def ask(self) -> bool:
        """Tell whether it lives, by what was heard since it was asked last; it is asked again now."""
        self._missed = 0 if self._heard or self.busy else self._missed + 1
        self._heard = False
        return self._missed < _MISSED
