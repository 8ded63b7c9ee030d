"""What tests wait for, or look for, among the events of a client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.neonize_client import NeonizeClient

_SILENT = {"senderKeyDistributionMessage", "messageContextInfo"}


def with_id(message_id: str) -> Callable[[dict[str, Any]], bool]:
    """Tell messages with this id, as phones show them, from others."""
    return lambda received: bool(received["id"] == message_id)


def says_something(message: dict[str, Any]) -> bool:
    """Tell a message of a conversation from keys, history, and the news of a group's sender key.

    A group's message that brings its sender key along is two events with one id: the key, then the words.
    """
    return message["Info"]["Category"] != "peer" and bool(message["Message"].keys() - _SILENT)


async def message(client: NeonizeClient, message_id: str) -> dict[str, Any]:
    """Wait for the message with this id."""
    return await client.wait_for(
        "MessageEv", lambda data: data["Info"]["ID"] == message_id and says_something(data)
    )


async def receipt(client: NeonizeClient, kind: str, message_id: str) -> dict[str, Any]:
    """Wait for a receipt of this kind (neonize's word) for this message."""
    return await client.wait_for(
        "ReceiptEv", lambda data: data["Type"] == kind and message_id in data["MessageIDs"]
    )


async def push_name(client: NeonizeClient) -> str:
    """Wait until the client has learned what its owner is called; neonize has no event for that."""
    async with asyncio.timeout(30):
        while True:
            if name := str((await client.call("get_me")).get("PushName", "")):
                return name
            await asyncio.sleep(0.05)


def receipts(client: NeonizeClient, message_id: str) -> list[str]:
    """Give the kinds of receipts that came for a message, in order."""
    came = (event["data"] for event in client.events if event["event"] == "ReceiptEv")
    return [data["Type"] for data in came if message_id in data["MessageIDs"]]


def messages(client: NeonizeClient, since: int = 0) -> list[dict[str, Any]]:
    """Give the messages of conversations that came, in order."""
    came = [event["data"] for event in client.events[since:] if event["event"] == "MessageEv"]
    return [data for data in came if says_something(data)]


def text_of(message: dict[str, Any]) -> str:
    """Give the words of a text that came."""
    content = message["Message"]
    return str(content.get("conversation") or content["extendedTextMessage"]["text"])


def sender_of(message: dict[str, Any]) -> str:
    """Give the LID user who wrote a message that came."""
    return str(message["Info"]["MessageSource"]["Sender"]["User"])
