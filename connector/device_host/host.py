"""Takes commands, and carries them out so that neonize survives it: one start or stop at a time."""

from __future__ import annotations

import os
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, assert_never

from connector.device_host.device import Device
from connector.device_host.protocol import (
    PREFIX_BYTES,
    Logout,
    PairPhone,
    Ready,
    SendTexts,
    StartDevice,
    StopDevice,
    decode_command,
    frame,
)

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from connector.device_host.protocol import Command, Report

_START_PATIENCE_SECONDS = 5.0
"""neonize's maps are written early in a start; a dial that hangs need not hold up all others."""


class Host:
    """The devices of this process and the socket to the supervisor."""

    def __init__(self, supervisor: socket.socket) -> None:
        self._supervisor = supervisor
        self._writing = threading.Lock()
        self._starter = ThreadPoolExecutor(1, "starter")
        self._devices: dict[int, Device] = {}
        self._senders: dict[int, ThreadPoolExecutor] = {}

    def serve(self) -> None:
        """Take commands until the supervisor closes the socket, or is gone."""
        self._report(Ready())
        with self._supervisor.makefile("rb") as commands:
            while len(prefix := commands.read(PREFIX_BYTES)) == PREFIX_BYTES:
                self._carry_out(decode_command(commands.read(int.from_bytes(prefix, "big"))))

    def _carry_out(self, command: Command) -> None:
        match command:
            case StartDevice(device=number, database=database):
                self._do(self._starter, lambda: self._start(number, database))
            case StopDevice(device=number):
                self._do(self._starter, lambda: self._stop(number))
            case SendTexts(device=number, texts=texts):
                self._with(number, lambda device: device.send(texts))
            case PairPhone(device=number, phone_number=phone_number):
                self._with(number, lambda device: device.pair_phone(phone_number))
            case Logout(device=number):
                self._with(number, lambda device: device.logout())
            case _:
                assert_never(command)

    def _start(self, number: int, database: str) -> None:
        device = self._devices[number] = Device(number, database, self._report)
        device.begin(_START_PATIENCE_SECONDS)

    def _stop(self, number: int) -> None:
        device = self._devices.pop(number, None)
        if device is not None:
            device.stop()
        if (sender := self._senders.pop(number, None)) is not None:
            sender.shutdown(wait=False)

    def _with(self, number: int, act: Callable[[Device], None]) -> None:
        """Let a device act after all that it was told before, in a thread of its own."""
        device = self._devices.get(number)
        if device is None:
            return
        if number not in self._senders:
            self._senders[number] = ThreadPoolExecutor(1, f"sender-{number}")
        self._do(self._senders[number], lambda: act(device))

    def _do(self, executor: ThreadPoolExecutor, act: Callable[[], None]) -> None:
        executor.submit(act).add_done_callback(_or_die)

    def _report(self, report: Report) -> None:
        data = frame(report)
        with self._writing:
            self._supervisor.sendall(data)


def _or_die(done: Future[None]) -> None:
    """End the process after a mistake of ours: the supervisor recovers from that, not from silence."""
    error = done.exception()
    if error is not None:
        traceback.print_exception(error)
        os._exit(1)
