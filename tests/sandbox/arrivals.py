"""What tests wait for, or look for, among the events of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.neonize_client import NeonizeClient


def with_id(message_id: str) -> Callable[[dict[str, Any]], bool]:
    """Tell messages with this id, as phones show them, from others."""
    return lambda received: bool(received["id"] == message_id)


async def message(client: NeonizeClient, message_id: str) -> dict[str, Any]:
    """Wait for the message with this id."""
    return await client.wait_for("MessageEv", lambda data: data["Info"]["ID"] == message_id)


async def receipt(client: NeonizeClient, kind: str, message_id: str) -> dict[str, Any]:
    """Wait for a receipt of this kind (neonize's word) for this message."""
    return await client.wait_for(
        "ReceiptEv", lambda data: data["Type"] == kind and message_id in data["MessageIDs"]
    )


def receipts(client: NeonizeClient, message_id: str) -> list[str]:
    """Give the kinds of receipts that came for a message, in order."""
    came = (event["data"] for event in client.events if event["event"] == "ReceiptEv")
    return [data["Type"] for data in came if message_id in data["MessageIDs"]]


def messages(client: NeonizeClient, since: int = 0) -> list[dict[str, Any]]:
    """Give the messages of conversations that came, in order."""
    came = [event["data"] for event in client.events[since:] if event["event"] == "MessageEv"]
    return [data for data in came if data["Info"]["Category"] != "peer"]


def text_of(message: dict[str, Any]) -> str:
    """Give the words of a text that came."""
    content = message["Message"]
    return str(content.get("conversation") or content["extendedTextMessage"]["text"])


def sender_of(message: dict[str, Any]) -> str:
    """Give the LID user who wrote a message that came."""
    return str(message["Info"]["MessageSource"]["Sender"]["User"])
