"""The connector's pure rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.device_host.errors import send_error
from connector.device_host.protocol import Loss, SendError
from connector.events import merged
from connector.patience import backoff
from connector.settings import Settings, SettingsError
from connector.verdicts import VERDICTS, Next
from infra.contract.ids import SessionId
from infra.contract.jid import Jid
from infra.contract.message import OutboundStatus, Text
from infra.contract.queues import MessageReceived, ReceiptReceived

ADA = SessionId("ada")
NOW = datetime(2026, 1, 31, 12, 30, tzinfo=UTC)


def test_every_loss_has_a_verdict() -> None:
    assert set(VERDICTS) == set(Loss)


def test_only_void_keys_are_forgotten() -> None:
    forgotten = {loss for loss, verdict in VERDICTS.items() if verdict.next is Next.FORGET}

    assert forgotten == {Loss.LOGGED_OUT}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("timed out waiting for message send response", SendError.MAY_HAVE_LEFT),
        ("websocket disconnected before message send returned response", SendError.MAY_HAVE_LEFT),
        ("websocket not connected", SendError.MAY_HAVE_LEFT),
        ("failed to send message node: websocket not connected", SendError.NOT_CONNECTED),
        ("failed to send message node: broken pipe", SendError.MAY_HAVE_LEFT),
        ("failed to get device list: websocket not connected", SendError.NOT_CONNECTED),
        (
            "failed to get user info for 1@lid to fill LID cache: info query timed out",
            SendError.NOT_CONNECTED,
        ),
        ("no LID found for 1@s.whatsapp.net from server", SendError.NOT_ON_WHATSAPP),
        ("failed to get group members: you're not participating in that group", SendError.NOT_IN_GROUP),
        ("server returned error 463", SendError.REACH_OUT_RESTRICTED),
        ("server returned error 429", SendError.RATE_LIMITED),
        ("server returned error 479", SendError.REJECTED),
        ("message recipient must be a user JID with no device part", SendError.NOT_SENDABLE),
    ],
)
def test_an_error_string_has_a_meaning(text: str, error: SendError) -> None:
    assert send_error(text) is error


def test_backoff_doubles_up_to_the_longest_and_luck_takes_off_up_to_half() -> None:
    def pauses(luck: float) -> list[float]:
        first, longest = timedelta(seconds=1), timedelta(seconds=10)
        tries = range(1, 7)
        return [backoff(n, first=first, longest=longest, luck=luck).total_seconds() for n in tries]

    assert pauses(luck=0) == [1, 2, 4, 8, 10, 10]
    assert pauses(luck=1) == [0.5, 1, 2, 4, 5, 5]


def test_receipts_of_one_moment_share_an_event() -> None:
    message = MessageReceived(ADA, "M", Jid.lid("1"), Jid.lid("1"), Text("hi"), NOW)
    receipts = [ReceiptReceived(ADA, (wa_id,), OutboundStatus.READ, NOW) for wa_id in ("A", "B")]
    other = ReceiptReceived(ADA, ("A",), OutboundStatus.DELIVERED, NOW)

    events = merged([receipts[0], message, other, receipts[1]])

    assert events == [message, ReceiptReceived(ADA, ("A", "B"), OutboundStatus.READ, NOW), other]


def test_settings_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {
            "ROOST_DEVICES_FOLDER": "/var/lib/roost",
            "ROOST_HOST_LAUNCHER": "python -m infra.sandbox.client_kit 'my sandbox'",
            "ROOST_RENEW_SECONDS": "1.5",
            "ROOST_MESSAGES_PER_MINUTE": "20",
        }
    )

    assert str(settings.devices_folder) == "/var/lib/roost"
    assert settings.host_launcher[-1] == "my sandbox"
    assert settings.renew_every == timedelta(seconds=1.5)
    assert settings.messages_per_minute == 20


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROOST_LEASE_SECONDS", "6"),
        ("ROOST_RENEW_SECONDS", "0"),
        ("ROOST_RENEW_SECONDS", "soon"),
        ("ROOST_DEVICES_PER_HOST", "0"),
        ("ROOST_SPARE_HOSTS", "-1"),
        ("ROOST_HOST_MEMORY_MB", "100"),
        ("ROOST_DEVICES_PER_HOST", "many"),
        ("ROOST_MESSAGES_PER_MINUTE", "-1"),
    ],
)
def test_what_cannot_work_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})
