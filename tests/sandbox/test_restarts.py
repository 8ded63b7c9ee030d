"""The sandbox as a process of its own: its address, its end, and its coming back as if nothing had been."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import socket
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from infra.sandbox.address import SandboxAddress
from infra.sandbox.server import Sandbox
from tests.sandbox import arrivals
from tests.sandbox.conftest import ADA, BOB, CYD, Control, control_of, link
from tests.sandbox.neonize_client import NeonizeClient
from tests.sandbox.sandbox_process import SandboxProcess, refused

if TYPE_CHECKING:
    from pathlib import Path

COMES_BACK = 30.0
MARKER = "14155559999"
KEPT = ("/groups", f"/phones/{BOB}", f"/phones/{BOB}/messages", f"/phones/{ADA}/messages")
"""Where the control API shows what must not change by a restart."""


async def buy_phones(control: Control) -> None:
    """Put Ada, Bob and Cyd on WhatsApp."""
    for number, name in ((ADA, "Ada"), (BOB, "Bob"), (CYD, "Cyd")):
        await control.post("/phones", number=number, name=name)


async def all_is_confirmed(control: Control) -> None:
    """Wait until Ada's device has confirmed all that it was sent."""
    async with asyncio.timeout(COMES_BACK):
        while True:
            (device,) = (await control.get(f"/phones/{ADA}"))["devices"]
            if device["unconfirmed"] == 0:
                return
            await asyncio.sleep(0.02)


async def all_is_on_disk(control: Control, folder: Path) -> None:
    """Wait until all that happened is in the file: it shows one moment, so what is bought last tells."""
    await control.post("/phones", number=MARKER, name="Marker")
    query = "SELECT count(*) FROM records WHERE kind = 'account' AND key = ?"
    async with asyncio.timeout(COMES_BACK):
        with contextlib.closing(sqlite3.connect(folder / "sandbox.db")) as database:
            while True:
                if database.execute(query, [MARKER]).fetchone() == (1,):
                    return
                await asyncio.sleep(0.02)


async def state(control: Control, paths: tuple[str, ...]) -> list[Any]:
    """Give what the control API shows at these paths."""
    return [await control.get(path) for path in paths]


async def end(process: SandboxProcess, control: Control, folder: Path, *, how: str) -> None:
    """Stop a sandbox in good order, or let it crash."""
    if how == "stop":
        assert await process.terminate() == 0
    else:
        await all_is_on_disk(control, folder)
        await process.kill()


async def test_the_address_file_tells_where_it_is_and_is_gone_after_a_clean_stop(tmp_path: Path) -> None:
    async with SandboxProcess(tmp_path) as process:
        written = json.loads((tmp_path / "sandbox.json").read_bytes())
        exit_code = await process.terminate()

    assert set(written) == {"proxy", "ca_file", "issuer_public_key", "control"}
    assert written["proxy"].startswith("http://127.0.0.1:")
    assert written["ca_file"] == str(tmp_path / "ca.pem")
    assert len(bytes.fromhex(written["issuer_public_key"])) == 32
    assert exit_code == 0
    assert not (tmp_path / "sandbox.json").exists()


@pytest.mark.parametrize("how", ["stop", "crash"])
async def test_a_running_client_goes_on_after_the_sandbox_ended_and_came_back(
    tmp_path: Path, how: str
) -> None:
    async with SandboxProcess(tmp_path) as before, NeonizeClient(before.address, tmp_path / "ada.db") as ada:
        async with control_of(before.address) as control:
            await buy_phones(control)
            await link(ada, control)
            group = (await control.post("/groups", owner=ADA, subject="Restarts", members=[BOB]))["id"]
            for to in (BOB, group):
                await ada.send_text(to, f"from Ada to {to}")
            for to in (ADA, group):
                await arrivals.message(ada, await control.send(BOB, to, f"from Bob to {to}"))
            await control.received(BOB, 2)
            await all_is_confirmed(control)
            known = await state(control, KEPT)
            await end(before, control, tmp_path, how=how)
        mark = ada.mark()

        async with SandboxProcess(tmp_path) as after, control_of(after.address) as control:
            assert after.address == before.address
            assert await state(control, KEPT) == known
            await ada.wait_for("ConnectedEv", since=mark, within=COMES_BACK)
            for to in (BOB, group):
                await ada.send_text(to, f"from Ada to {to} again")
            for to in (ADA, group):
                came = await arrivals.message(ada, await control.send(BOB, to, f"from Bob to {to} again"))
                assert arrivals.text_of(came) == f"from Bob to {to} again"
            read = [message["text"] for message in await control.received(BOB, 4)]
            stats = await control.get("/stats")

    asked = [f"from Ada to {to}" for to in (BOB, group)]
    assert read == [*asked, *(f"{text} again" for text in asked)]
    assert (stats["undecryptable"], stats["duplicate_counters"], stats["retry_receipts_in"]) == (0, 0, 0)
    assert not [event for event in ada.events if event["event"] == "UndecryptableMessageEv"]


@pytest.mark.parametrize("how", ["stop", "crash"])
async def test_what_waits_for_a_client_still_waits_after_the_sandbox_came_back(
    tmp_path: Path, how: str
) -> None:
    database = tmp_path / "ada.db"
    async with SandboxProcess(tmp_path) as before, control_of(before.address) as control:
        await buy_phones(control)
        async with NeonizeClient(before.address, database) as ada:
            await link(ada, control)
            await all_is_confirmed(control)
            await ada.kill()
        sent = [await control.send(BOB, ADA, text) for text in ("one", "two", "three")]
        await end(before, control, tmp_path, how=how)

    async with SandboxProcess(tmp_path) as after, NeonizeClient(after.address, database) as ada:
        await ada.connect()

        for message_id, text in zip(sent, ("one", "two", "three"), strict=True):
            assert arrivals.text_of(await arrivals.message(ada, message_id)) == text
        assert [message["Info"]["ID"] for message in arrivals.messages(ada)] == sent
        await ada.kill()


async def test_a_second_sandbox_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    async with SandboxProcess(tmp_path) as first:
        second = await refused(tmp_path)

        assert second.exit_code == 1
        assert re.fullmatch(r"sandbox: another sandbox \(process \d+\) uses .+\n", second.errors)
        assert SandboxAddress.read(tmp_path) == first.address


@pytest.mark.parametrize("option", ["--port", "--control-port"])
async def test_a_taken_port_is_refused(tmp_path: Path, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        end = await refused(tmp_path, option, str(port))

    assert (end.exit_code, end.output) == (1, "")
    assert re.fullmatch(rf"sandbox: .*port {port}: Address already in use\n", end.errors)
    assert not (tmp_path / "sandbox.json").exists()


async def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    end = await refused(file / "folder")

    assert (end.exit_code, end.output) == (1, "")
    assert re.fullmatch(rf"sandbox: .*Not a directory: '{file}/folder'\n", end.errors)


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_bytes(random.Random(0).randbytes(5000))

    end = await refused(tmp_path)

    assert (end.exit_code, end.output) == (1, "")
    assert re.fullmatch(r"sandbox: .+sandbox\.db cannot be opened as a database: .+\n", end.errors)


async def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    async with Sandbox(tmp_path) as sandbox:
        sandbox.phones.buy(ADA, "Ada")
    with contextlib.closing(sqlite3.connect(tmp_path / "sandbox.db")) as database, database:
        database.execute("UPDATE records SET value = x'c1' WHERE kind = 'account'")

    end = await refused(tmp_path)

    assert (end.exit_code, end.output) == (1, "")
    assert re.fullmatch(r"sandbox: a record of kind 'account' cannot be read: .+\n", end.errors)
