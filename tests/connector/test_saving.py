"""When auth blobs cannot be saved: sessions go on, and whoever comes next knows what the blob does not."""

from __future__ import annotations

import logging
import os
import signal
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from infra.aws.blobs import Blobs
from infra.aws.errors import AwsError, StackMissingError, UnreachableError
from infra.contract.session import DisconnectReason, SessionStatus
from tests.connector.conftest import Connector, linked
from tests.connector.test_connector import the_host
from tests.sandbox.conftest import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.settings import Settings
    from infra.aws.clients import Clients
    from tests.connector.customer import Customer
    from tests.sandbox.conftest import Control

    NewConnector = Callable[[], Connector]


@pytest.mark.parametrize("error", [UnreachableError, StackMissingError])
async def test_without_s3_a_session_goes_on_and_is_handed_over_without_a_final_save(
    new_connector: NewConnector,
    customer: Customer,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    error: type[AwsError],
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("S3 is away")

    async with new_connector():
        await linked(customer, control, ADA)
        monkeypatch.setattr(Blobs, "save", fail)
        monkeypatch.setattr("connector.device_run._LAST_SAVE_SECONDS", 1.0)
        for number in (1, 2, 3):
            await customer.sent(customer.send(f"number {number}", BOB))
        while_away = customer.session()

    saved = customer.blobs.load(customer.id)
    assert while_away.status is SessionStatus.CONNECTED
    assert customer.session().status is SessionStatus.STARTING
    assert saved is not None
    assert not saved.blob.final
    assert [record.levelno for record in caplog.records if record.message == "auth_blob_not_final"] == [
        logging.ERROR
    ]


async def test_a_device_whose_host_crashed_runs_again_before_it_is_saved(
    connector_settings: Settings,
    clients: Clients,
    customer: Customer,
    control: Control,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = msgspec.structs.replace(connector_settings, save_after=timedelta(hours=1))
    saves = []
    save = Blobs.save

    def counted(self: Blobs, *args: Any, **kwargs: Any) -> str:
        saves.append(args)
        return save(self, *args, **kwargs)

    async with Connector(settings, clients):
        await linked(customer, control, ADA)
        monkeypatch.setattr(Blobs, "save", counted)
        os.kill(the_host(), signal.SIGKILL)
        await customer.session_when(lambda session: session.reason is DisconnectReason.HOST_CRASHED)
        await customer.status(SessionStatus.CONNECTED)
        await customer.sent(customer.send("back again", BOB))
        saved_before = len(saves)

    saved = customer.blobs.load(customer.id)
    assert saved is not None
    assert (saved_before, saved.blob.final) == (0, True)
