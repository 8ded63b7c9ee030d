"""When auth blobs cannot be saved: sessions go on, and whoever comes next knows what the blob does not."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from infra.aws.blobs import Blobs
from infra.aws.errors import AwsError, StackMissingError, UnreachableError
from infra.contract.session import SessionStatus
from tests.connector.conftest import Connector, linked
from tests.sandbox.conftest import ADA, BOB

if TYPE_CHECKING:
    from collections.abc import Callable

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
