"""Takes commands, and carries them out so that neonize survives it and no device waits for another's."""

from __future__ import annotations

import os
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from connector.device_host.device import Device
from connector.device_host.frames import PREFIX_BYTES, decode_command, frame
from connector.device_host.lane import Lane
from connector.device_host.protocol import (
    Logout,
    PairPhone,
    Ping,
    Pong,
    Ready,
    SendTexts,
    StartDevice,
    StopDevice,
)
from connector.device_host.spool import SpoolWriter

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from typing import BinaryIO

    from connector.device_host.protocol import Command, Report


class Host:
    """The devices of this process; commands come in from the supervisor, and reports go out to it."""

    def __init__(self, commands: BinaryIO, reports: socket.socket) -> None:
        self._commands = commands
        self._reports = reports
        self._writing = threading.Lock()
        self._lane = Lane()
        self._devices: dict[int, Device] = {}
        self._senders: dict[int, ThreadPoolExecutor] = {}

    def serve(self) -> None:
        """Take commands until the supervisor has no more, or is gone."""
        self._report(Ready())
        while len(prefix := self._commands.read(PREFIX_BYTES)) == PREFIX_BYTES:
            self._carry_out(decode_command(self._commands.read(int.from_bytes(prefix, "big"))))

    def _carry_out(self, command: Command) -> None:
        match command:
            case Ping():
                self._report(Pong())
            case StartDevice():
                self._start(command)
            case StopDevice(device=number):
                self._stop(number)
            case SendTexts(device=number, texts=texts):
                self._with(number, lambda device: device.send(texts))
            case PairPhone(device=number, phone_number=phone_number):
                self._with(number, lambda device: device.pair_phone(phone_number))
            case Logout(device=number):
                self._with(number, lambda device: device.logout())
            case _:
                assert_never(command)

    def _start(self, command: StartDevice) -> None:
        spool = SpoolWriter(Path(command.database).parent, command.spool)
        device = Device(command.device, command.database, spool=spool, lane=self._lane, report=self._report)
        self._devices[command.device] = device
        self._lane.begin(device.begin).add_done_callback(_or_die)

    def _stop(self, number: int) -> None:
        """Stop a device in a thread of its own, whatever it does now: many say farewell side by side."""
        if (device := self._devices.pop(number, None)) is None:
            return
        if (sender := self._senders.pop(number, None)) is not None:
            sender.shutdown(wait=False)
        farewell = ThreadPoolExecutor(1, f"farewell-{number}")
        farewell.submit(device.stop).add_done_callback(_or_die)
        farewell.shutdown(wait=False)

    def _with(self, number: int, act: Callable[[Device], None]) -> None:
        """Let a device act after all that it was told before, in a thread of its own."""
        device = self._devices.get(number)
        if device is None:
            return
        if number not in self._senders:
            self._senders[number] = ThreadPoolExecutor(1, f"sender-{number}")
        self._senders[number].submit(act, device).add_done_callback(_or_die)

    def _report(self, report: Report) -> None:
        data = frame(report)
        with self._writing:
            self._reports.sendall(data)


def _or_die(done: Future[None]) -> None:
    """End the process after a mistake of ours: the supervisor recovers from that, not from silence."""
    error = done.exception()
    if error is not None:
        traceback.print_exception(error)
        os._exit(1)
