"""One device: a neonize client, and what may be done with it when.

Facts about neonize 0.5.2 that this file lives by: `connect()` blocks until `stop()`, also after a logout;
`stop()` before the start has finished is a crash, and loses what the client has not yet handed over;
starts and stops write to Go maps, each at its beginning and each without a lock, so they go through the lane;
`get_me()` on a stopped client is a crash; a client's uuid must not be used again.
"""

from __future__ import annotations

import ctypes
import math
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from neonize import events
from neonize.client import NewClient
from neonize.exc import NeonizeError
from neonize.proto.waCompanionReg.WAWebProtobufsCompanionReg_pb2 import DeviceProps
from neonize.proto.waE2E.WAWebProtobufsE2E_pb2 import Message, MessageContextInfo

from connector.device_host import protocol
from connector.device_host.errors import connect_loss, send_error
from connector.device_host.protocol import Loss, Lost, SendFailed, TextSent
from connector.device_host.readings import jid_of, message_seen, neonize_jid, receipt_seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.device_host.lane import Lane
    from connector.device_host.protocol import DeviceReport, MessageSeen, ReceiptSeen, TextToSend
    from connector.device_host.spool import SpoolWriter

_WAL = "?_foreign_keys=on&_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=5000&_x="
"""neonize appends its own `?_foreign_keys=on`, which `_x` swallows."""
_START_PATIENCE_SECONDS = 0.1
"""neonize writes to its maps at the very beginning; a dial that takes longer need not hold up the others."""
_FIRST_QR_SECONDS = 60
_QR_SECONDS = 20
_QUIET_SECONDS = 0.15
"""So long without an event after the socket is closed, and all were handed over."""
_LONGEST_FAREWELL_SECONDS = 5.0

_LOSSES: dict[str, Loss] = {
    "timeout": Loss.LINK_TIMED_OUT,
    "err-client-outdated": Loss.OUTDATED,
    "passkey-request": Loss.PASSKEY_REQUIRED,
    "passkey-confirmation": Loss.PASSKEY_REQUIRED,
}
"""What whatsmeow says at the end of linking (`qrchan.go`); `success` apart, anything else is a failure."""


class Device:
    """One start of one device. All methods but `begin`, the lane's, may be called from any thread."""

    def __init__(
        self,
        number: int,
        database: str,
        *,
        spool: SpoolWriter,
        lane: Lane,
        report: Callable[[DeviceReport], None],
    ) -> None:
        self._number = number
        self._spool = spool
        self._lane = lane
        self._report = report
        self._settled = threading.Event()
        self._changing = threading.Lock()
        self._begun = False
        self._ended = False
        self._quiet_since = time.monotonic()
        self._qrs = 0
        props = DeviceProps(os="Roost", platformType=DeviceProps.CHROME)
        self._client = NewClient(database + _WAL, uuid=uuid4().hex, props=props)
        # Its own stop, whenever and wherever the collector comes by, could meet another start.
        self._client._stop_finalizer.detach()  # noqa: SLF001
        self._execute = self._client.event.execute
        self._client.event.execute = self._on_event
        self._client.qr(self._on_qr)
        # neonize prints the outcome of linking and offers no other way to learn it.
        self._client._NewClient__onLoginStatus = self._on_link_outcome  # noqa: SLF001
        for kind, handler in self._handlers().items():
            self._client.event(kind)(_guarded(handler, self._on_unreadable))
        self._connecting = threading.Thread(target=self._connect, daemon=True, name=f"device-{number}")

    def begin(self) -> None:
        """Start connecting, and return when neonize has shown a sign of life or patience is over."""
        with self._changing:
            if self._ended:
                return
            self._begun = True
        self._connecting.start()
        self._settled.wait(_START_PATIENCE_SECONDS)

    def stop(self) -> None:
        """Disconnect, let every event through, and stop; the end of a device."""
        with self._changing:
            self._ended = not self._begun
        if self._begun:
            self._settled.wait()
            self._lane.end(self._client.disconnect)
            self._await_silence()
            self._lane.end(self._end)
        self._report(protocol.Stopped(self._number))

    def send(self, texts: tuple[TextToSend, ...]) -> None:
        """Send them in order until one fails, reporting each."""
        for text in texts:
            outcome = self._send(text)
            self._report(outcome)
            if isinstance(outcome, SendFailed):
                return

    def pair_phone(self, phone_number: str) -> None:
        """Report a pairing code."""
        try:
            code = self._client.PairPhone(phone_number, show_push_notification=True)
        except NeonizeError:
            code = None
        self._report(protocol.PairingCodeShown(self._number, code))

    def logout(self) -> None:
        """Unlink the device, and report whether that was done."""
        try:
            self._client.logout()
        except NeonizeError:
            self._report(protocol.LoggedOut(self._number, done=False))
        else:
            self._report(protocol.LoggedOut(self._number, done=True))

    def _send(self, text: TextToSend) -> TextSent | SendFailed:
        message = Message(
            conversation=text.text, messageContextInfo=MessageContextInfo(messageSecret=text.secret)
        )
        try:
            sent = self._client.send_message(neonize_jid(text.to), message)
        except NeonizeError as error:
            return SendFailed(self._number, text.seq, send_error(str(error)))
        return TextSent(self._number, text.seq, sent.ID, datetime.fromtimestamp(sent.Timestamp, UTC))

    def _connect(self) -> None:
        """Stay in neonize until the device is stopped, or could not dial at all."""
        try:
            self._client.connect()
        except NeonizeError as error:
            self._report(Lost(self._number, connect_loss(str(error))))
        finally:
            self._settled.set()

    def _end(self) -> None:
        with self._changing:
            self._ended = True
            self._client.stop()
        self._spool.close()

    def _await_silence(self) -> None:
        if not self._connecting.is_alive():
            return
        end = time.monotonic() + _LONGEST_FAREWELL_SECONDS
        self._quiet_since = max(self._quiet_since, time.monotonic())
        while (now := time.monotonic()) < min(end, self._quiet_since + _QUIET_SECONDS):
            time.sleep(min(_QUIET_SECONDS, self._quiet_since + _QUIET_SECONDS - now))

    def _handlers(self) -> dict[Any, Callable[[Any], None]]:
        return {
            events.ConnectedEv: self._on_connected,
            events.MessageEv: lambda event: self._tell(message_seen(self._number, event)),
            events.ReceiptEv: lambda event: self._tell(receipt_seen(self._number, event)),
            events.DisconnectedEv: lambda _: self._lost(Loss.NETWORK),
            events.StreamReplacedEv: lambda _: self._lost(Loss.REPLACED),
            events.LoggedOutEv: lambda _: self._lost(Loss.LOGGED_OUT),
            events.ClientOutdatedEv: lambda _: self._lost(Loss.OUTDATED),
            events.ConnectFailureEv: lambda _: self._lost(Loss.REFUSED),
            events.StreamErrorEv: lambda _: self._lost(Loss.NETWORK),
            events.TemporaryBanEv: lambda event: self._lost(Loss.BANNED, event.Expire),
        }

    def _tell(self, report: MessageSeen | ReceiptSeen | None) -> None:
        """Report what WhatsApp now believes delivered, and keep it until that was passed on."""
        if report is None:
            return
        is_full = self._spool.append(report)
        self._report(report)
        if is_full:
            self._report(protocol.SpoolTurned(self._number))

    def _lost(self, loss: Loss, retry_seconds: int | None = None) -> None:
        self._report(Lost(self._number, loss, retry_seconds))

    def _on_event(self, uuid: int, binary: int, size: int, kind: int) -> None:
        """Take an event from Go. The first, which says who the device is, comes when it has dialled."""
        self._settled.set()
        self._quiet_since = math.inf
        try:
            self._execute(uuid, binary, size, kind)
        finally:
            self._quiet_since = time.monotonic()

    def _on_connected(self, _event: Any) -> None:
        with self._changing:
            if self._ended:
                return
            me = self._client.get_me()
        lid = str(jid_of(me.LID).account) if me.LID.User else None
        self._report(protocol.Connected(self._number, me.JID.User, lid, me.PushName or None))

    def _on_qr(self, _client: NewClient, code: bytes) -> None:
        self._settled.set()
        self._qrs += 1
        seconds = _FIRST_QR_SECONDS if self._qrs == 1 else _QR_SECONDS
        self._report(protocol.QrShown(self._number, code.decode(), seconds))

    def _on_link_outcome(self, _uuid: int, outcome: int) -> None:
        text = ctypes.string_at(outcome).decode()
        self._settled.set()
        if text == "success":
            self._report(protocol.Linked(self._number))
        else:
            self._lost(_LOSSES.get(text, Loss.LINK_FAILED))

    def _on_unreadable(self, event: str, error: Exception) -> None:
        self._report(protocol.Unreadable(self._number, event, type(error).__name__))


def _guarded(
    handler: Callable[[Any], None], on_error: Callable[[str, Exception], None]
) -> Callable[[NewClient, Any], None]:
    """Call a handler as neonize does; what it raises would otherwise only be printed."""

    def call(_client: NewClient, event: Any) -> None:
        try:
            handler(event)
        except OSError:
            raise  # the supervisor is gone, and so is this process
        except Exception as error:  # noqa: BLE001 - the border of one event: one that cannot be read harms no other
            on_error(type(event).__name__, error)

    return call
