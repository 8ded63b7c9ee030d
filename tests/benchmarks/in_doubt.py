"""What had become of messages in doubt: `python -m tests.benchmarks.in_doubt`.

Device hosts with the real neonize send through the sandbox without a pause and are killed. Of each text
that was not known to be sent then, the device's database says whether whatsmeow had begun to send it, the
contact's phone whether it came, and the reconnected device whether a receipt told. This decides what
`on_unknown` is by default.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from connector import device_file
from connector.device_host.protocol import Connected, QrShown, ReceiptSeen, TextSent, TextToSend
from connector.hosts import DeviceHosts, HostDied
from infra.contract.jid import Jid
from infra.sandbox.server import Sandbox
from tests.sandbox.conftest import Control, control_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.hosts import HostedDevice

_SENDERS = 10
_TEXTS = 60
_FIRST_NUMBER = 14155551000
_KILLED_WITHIN_SECONDS = 0.6
_RECEIPT_SECONDS = 3.0
_CONNECTS_WITHIN_SECONDS = 30.0


class Case(NamedTuple):
    """A kind of contact, or of network."""

    name: str
    receipts: bool = True
    strangers: bool = False
    """Every text goes to somebody new, whose keys are asked for after the row is written."""
    ack_seconds: float = 0.0
    """How late WhatsApp's acknowledgements come; the sandbox is nearer than any WhatsApp."""


CASES = (
    Case("contacts who answer with receipts"),
    Case("the same, acknowledged 50 ms later", ack_seconds=0.05),
    Case("contacts who are offline", receipts=False),
    Case("the same, acknowledged 50 ms later", receipts=False, ack_seconds=0.05),
    Case("strangers who are offline", receipts=False, strangers=True),
    Case("the same, acknowledged 50 ms later", receipts=False, strangers=True, ack_seconds=0.05),
)


class Sender:
    """One linked device that is killed over and over."""

    def __init__(self, number: int, database: Path) -> None:
        self.number = str(number)
        self.database = database
        self.device: HostedDevice | None = None
        self.texts: dict[int, TextToSend] = {}
        self.sent: set[int] = set()
        self.receipts: set[str] = set()

    async def until(self, what: Callable[[object], bool], *, within: float) -> bool:
        """Take reports until one is like this; False when time is over, or the host is gone."""
        assert self.device is not None
        try:
            async with asyncio.timeout(within):
                while not what(report := await self.device.reports.get()):
                    self._take(report)
                    if isinstance(report, HostDied):
                        return False
        except TimeoutError:
            return False
        return True

    def _take(self, report: object) -> None:
        match report:
            case TextSent(seq=seq):
                self.sent.add(seq)
            case ReceiptSeen(wa_ids=wa_ids):
                self.receipts.update(wa_ids)


class Trial:
    """One case, round after round."""

    def __init__(self, case: Case, sandbox: Sandbox, control: Control, hosts: DeviceHosts) -> None:
        self._case = case
        self._sandbox = sandbox
        self._control = control
        self._hosts = hosts
        self._numbers = iter(range(_FIRST_NUMBER, _FIRST_NUMBER + 10_000_000))

    async def run(self, rounds: int, folder: Path) -> Counter[str]:
        """Kill so many times; give how many texts were in which doubt, and how many of those had come."""
        senders = [Sender(next(self._numbers), folder / f"{index}.db") for index in range(_SENDERS)]
        for sender in senders:
            self._sandbox.phones.buy(sender.number, "Sender")
        found: Counter[str] = Counter()
        for _ in range(rounds):
            await self._connect(senders)
            await self._count(senders, found)
            await self._send_and_kill(senders)
        await self._connect(senders)
        await self._count(senders, found)
        return found

    async def _connect(self, senders: list[Sender]) -> None:
        for sender in senders:
            sender.device = await self._hosts.start(sender.database)
        for sender in senders:
            within = _CONNECTS_WITHIN_SECONDS
            if not device_file.is_linked(sender.database):
                qr: list[str] = []
                await sender.until(lambda it, qr=qr: _qr(it, qr), within=within)  # type: ignore[misc]
                await self._control.post(f"/phones/{sender.number}/scan", code=qr[0])
            assert await sender.until(lambda it: isinstance(it, Connected), within=within)
            if self._case.ack_seconds:
                seconds = self._case.ack_seconds
                await self._control.fault("slow-ack", sender.number, seconds=seconds, count=1_000_000)

    async def _send_and_kill(self, senders: list[Sender]) -> None:
        for sender in senders:
            to = self._contact()
            sender.sent.clear()
            sender.receipts.clear()
            sender.texts = {
                seq: TextToSend(seq, Jid.phone_number(to), os.urandom(8).hex(), os.urandom(32))
                for seq, to in enumerate(
                    self._contact() if self._case.strangers else to for _ in range(_TEXTS)
                )
            }
        for sender in senders:
            assert sender.device is not None
            sender.device.send_texts(list(sender.texts.values()))
        await asyncio.sleep(random.uniform(0.05, _KILLED_WITHIN_SECONDS))
        for pid in self._hosts.pids():
            os.kill(pid, signal.SIGKILL)
        for sender in senders:
            await sender.until(lambda _: False, within=_CONNECTS_WITHIN_SECONDS)

    async def _count(self, senders: list[Sender], found: Counter[str]) -> None:
        """Look at what was in doubt when the hosts died, once its receipts had their time."""
        await asyncio.gather(*(sender.until(lambda _: False, within=_RECEIPT_SECONDS) for sender in senders))
        for sender in senders:
            for seq, text in sender.texts.items():
                if seq in sender.sent:
                    found["sent"] += 1
                    continue
                wa_ids = device_file.wa_ids(sender.database, text.secret)
                came = await self._came(text)
                kind = "no row" if not wa_ids else "receipt" if set(wa_ids) & sender.receipts else "doubt"
                found[kind] += 1
                found[f"{kind} came"] += came

    async def _came(self, text: TextToSend) -> bool:
        received = await self._control.get(f"/phones/{text.to.user}/messages")
        return any(each["text"] == text.text for each in received)

    def _contact(self) -> str:
        number = str(next(self._numbers))
        self._sandbox.phones.buy(number, "Contact").set_receipts(sends=self._case.receipts)
        return number


def _qr(report: object, codes: list[str]) -> bool:
    if isinstance(report, QrShown):
        codes.append(report.code)
    return isinstance(report, QrShown)


async def _measure(case: Case, rounds: int) -> Counter[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Sandbox(folder / "sandbox") as sandbox, control_of(sandbox.address) as control:
            launcher = (sys.executable, "-m", "infra.sandbox.client_kit", str(folder / "sandbox"))
            async with DeviceHosts(folder / "devices", capacity=_SENDERS, launcher=launcher) as hosts:
                return await Trial(case, sandbox, control, hosts).run(rounds, folder / "devices")


@click.command()
@click.option("--rounds", default=15, help="how often each case's host is killed")
def main(rounds: int) -> None:
    """Print what had become of texts that a killed device host left in doubt."""
    row = "{:<42} {:>7} {:>14} {:>16} {:>22}"
    click.echo(
        row.format("of those not known to be sent", "sent", "no row: came", "receipt: came", "row only: came")
    )
    for case in CASES:
        found = asyncio.run(_measure(case, rounds))
        shares = [f"{found[f'{kind} came']}/{found[kind]}" for kind in ("no row", "receipt", "doubt")]
        click.echo(row.format(case.name, found["sent"], *shares))


if __name__ == "__main__":
    main()
