"""What operators and load balancers ask."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from infra.aws.clients import AwsSettings, Clients
from infra.aws.connectors import Connectors
from infra.aws.leases import Leases
from infra.contract.ids import ConnectorId
from infra.contract.leases import ConnectorRecord
from tests.api.gateway import SUPPORT, Gateway

if TYPE_CHECKING:
    import pytest

ME = ConnectorId("c-5f1d0e9ab2c4")


async def test_connectors_are_shown_with_the_shards_that_they_serve(gateway: Gateway) -> None:
    leases = Leases(gateway.clients)
    leases.ensure()
    assert leases.take(leases.all()[1], ME) is not None
    at = gateway.clock.now()
    Connectors(gateway.clients).put(ConnectorRecord(ME, "box", 42, "0.1.0", at, at, sessions=7))

    shown = (await gateway.http.get("/v1/connectors")).json()

    assert shown == {
        "items": [
            {
                "id": ME,
                "host": "box",
                "pid": 42,
                "version": "0.1.0",
                "state": "live",
                "started_at": "2026-01-01T12:00:00Z",
                "last_beat_at": "2026-01-01T12:00:00Z",
                "shards": [1],
                "sessions": 7,
            }
        ],
        "free_shards": [0],
    }


async def test_a_connector_that_is_silent_is_shown_as_gone_and_later_forgotten(gateway: Gateway) -> None:
    at = gateway.clock.now()
    Connectors(gateway.clients).put(ConnectorRecord(ME, "box", 42, "0.1.0", at, at, draining=True))

    states = []
    for seconds in (0, 31, 3600):
        gateway.clock.go_on(seconds)
        shown = (await gateway.http.get("/v1/connectors")).json()["items"]
        states.append([connector["state"] for connector in shown])

    assert states == [["draining"], ["gone"], []]


async def test_shards_are_shown_with_their_holders_and_sessions(gateway: Gateway) -> None:
    leases = Leases(gateway.clients)
    leases.ensure()
    assert leases.take(leases.all()[1], ME) is not None
    await gateway.linked()
    shard = gateway.sessions.get(SUPPORT).shard

    shown = (await gateway.http.get("/v1/shards")).json()["items"]

    holders = [(each["shard"], each["connector"], each["fence"]) for each in shown]
    assert holders == [(0, None, 0), (1, ME, 1)]
    assert [each["sessions"] for each in shown] == [int(each["shard"] == shard) for each in shown]


async def test_health_and_readiness_need_no_key(gateway: Gateway) -> None:
    stranger = gateway.caller(None)

    health = await stranger.get("/health")
    ready = await stranger.get("/ready")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"table": "ok"})


async def test_without_a_table_it_is_healthy_but_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = Clients(AwsSettings(endpoint_url="http://127.0.0.1:1"))
    stranger = Gateway(nowhere, "any").caller(None)
    caplog.set_level(logging.CRITICAL, "botocore")

    health = await stranger.get("/health")
    ready = await stranger.get("/ready")

    assert health.status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "storage_unreachable")
    assert ready.headers["retry-after"] == "2"
    assert "127.0.0.1" not in ready.text
