"""What neonize's error strings mean. It has no other form of error: whatsmeow's text is all that is left.

Whether a message may have left is told by where whatsmeow was: it asks for users and devices first (each such
error names what it asked for), then writes the message, then waits, and after a reconnect writes it once more
(those errors stand bare). Source: whatsmeow's `send.go`, `request.go`, `errors.go`.
"""

from __future__ import annotations

import re

from connector.device_host.protocol import Loss, SendError

_SEND_ERRORS: tuple[tuple[re.Pattern[str], SendError], ...] = tuple(
    (re.compile(pattern), error)
    for pattern, error in (
        (r"^timed out waiting for message send response", SendError.MAY_HAVE_LEFT),
        (r"^websocket disconnected before message send", SendError.MAY_HAVE_LEFT),
        (r"^websocket not connected$", SendError.MAY_HAVE_LEFT),
        (r"^info query timed out$", SendError.MAY_HAVE_LEFT),
        (r"^failed to send message node: (?!websocket not connected)", SendError.MAY_HAVE_LEFT),
        (r"^frame socket is closed|^failed to write", SendError.MAY_HAVE_LEFT),
        (r"websocket not connected|websocket disconnected before info query", SendError.NOT_CONNECTED),
        (r"info query timed out", SendError.NOT_CONNECTED),
        (r"the store doesn't contain a device JID", SendError.NOT_CONNECTED),
        (r"^client is nil", SendError.NOT_CONNECTED),
        (r"no LID found for .* from server", SendError.NOT_ON_WHATSAPP),
        (r"you're not participating in that group|that group does not exist", SendError.NOT_IN_GROUP),
        (r"server returned error 463", SendError.REACH_OUT_RESTRICTED),
        (r"server returned error 429|rate-overlimit", SendError.RATE_LIMITED),
        (r"server returned error \d+|info query returned", SendError.REJECTED),
    )
)


def send_error(text: str) -> SendError:
    """Give the meaning of an error of `send_message`."""
    for pattern, error in _SEND_ERRORS:
        if pattern.search(text):
            return error
    return SendError.NOT_SENDABLE


_CONNECT_LOSSES: tuple[tuple[re.Pattern[str], Loss], ...] = tuple(
    (re.compile(pattern), loss)
    for pattern, loss in (
        (r"not a database|malformed|unsupported database schema version", Loss.KEYS_UNREADABLE),
        (r"database|sqlite|disk|device store", Loss.REFUSED),
    )
)


def connect_loss(text: str) -> Loss:
    """Give the meaning of an error of `connect`: it could not dial, or not open the device's database."""
    return next((loss for pattern, loss in _CONNECT_LOSSES if pattern.search(text)), Loss.UNREACHABLE)
