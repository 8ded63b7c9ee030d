"""Messages: what a phone sends, and what it received, decrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from litestar import get, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.params import FromPath, JSONBody, QueryParameter

from infra.sandbox.control.problems import blamed_on
from infra.sandbox.control.shapes import (
    Edit,
    MessageId,
    NewMessage,
    NoticedView,
    Reaction,
    ReceivedView,
    SentView,
    Typing,
    Watched,
    media_view,
)
from infra.sandbox.phones import acting, sending
from infra.sandbox.phones.phones import Phones  # noqa: TC001

if TYPE_CHECKING:
    from infra.sandbox.phones.records import Received

Since = Annotated[int, QueryParameter(ge=0, description="give only what has a higher number")]


@post("/phones/{number:str}/messages", summary="Send a message from a phone")
async def send_message(
    number: FromPath[str], data: JSONBody[NewMessage], phones: NamedDependency[Phones]
) -> SentView:
    """Signal-encrypted for every device of the receiver, and for the sender's own linked devices."""
    phone = phones.get(number)
    with blamed_on("to"):
        acting.chat_of(phone, data.to)
    if (found := data.file()) is not None:
        kind, file = found
        with blamed_on(kind):
            sent = await acting.send_file(
                phone, data.to, file.data, kind=kind, mime=file.mime, caption=file.caption
            )
    else:
        with blamed_on("reply_to"):
            sent = acting.write(phone, data.to, data.text or "", reply_to=data.reply_to)
    return SentView(sent.id)


@get("/phones/{number:str}/messages", summary="List what a phone received")
async def list_messages(
    number: FromPath[str], phones: NamedDependency[Phones], since: Since = 0
) -> list[ReceivedView]:
    """In order of arrival, decrypted; files are fetched and decrypted for their hash."""
    phone = phones.get(number)
    found = phone.diary.received[since:]
    for received in found:
        await acting.open_media(phone, received)
    return [_view(received) for received in found]


@get("/phones/{number:str}/events", summary="List what else a phone saw")
async def list_events(
    number: FromPath[str], phones: NamedDependency[Phones], since: Since = 0
) -> list[NoticedView]:
    """Receipts for its messages, typing and presence, in order."""
    return [
        NoticedView(noticed.number, noticed.event, noticed.kind, noticed.sender, noticed.ids)
        for noticed in phones.get(number).diary.noticed[since:]
    ]


@post("/phones/{number:str}/read", status_code=204, summary="Read a message")
async def read(number: FromPath[str], data: JSONBody[MessageId], phones: NamedDependency[Phones]) -> None:
    """Send the read receipt for a message that the phone received."""
    phone = phones.get(number)
    with blamed_on("id"):
        acting.mark_read(phone, data.id)


@post("/phones/{number:str}/typing", status_code=204, summary="Type, or stop typing")
async def typing(number: FromPath[str], data: JSONBody[Typing], phones: NamedDependency[Phones]) -> None:
    """Seen by whoever is online in the chat."""
    phone = phones.get(number)
    with blamed_on("to"):
        sending.show_typing(phone, acting.chat_of(phone, data.to), typing=data.typing)


@post("/phones/{number:str}/watch", status_code=204, summary="Watch a contact's presence")
async def watch(number: FromPath[str], data: JSONBody[Watched], phones: NamedDependency[Phones]) -> None:
    """Told at once, and whenever it changes, among the phone's events."""
    phone = phones.get(number)
    with blamed_on("to"):
        acting.watch(phone, data.to)


@post("/phones/{number:str}/react", summary="React to a message")
async def react(number: FromPath[str], data: JSONBody[Reaction], phones: NamedDependency[Phones]) -> SentView:
    """To one that the phone received or sent; an empty emoji takes the reaction back."""
    phone = phones.get(number)
    with blamed_on("id"):
        return SentView(acting.react(phone, data.id, data.emoji).id)


@post("/phones/{number:str}/edit", summary="Edit a message")
async def edit(number: FromPath[str], data: JSONBody[Edit], phones: NamedDependency[Phones]) -> SentView:
    """One that the phone sent."""
    phone = phones.get(number)
    with blamed_on("id"):
        return SentView(acting.edit(phone, data.id, data.text).id)


@post("/phones/{number:str}/revoke", summary="Delete a message for everybody")
async def revoke(
    number: FromPath[str], data: JSONBody[MessageId], phones: NamedDependency[Phones]
) -> SentView:
    """One that the phone sent."""
    phone = phones.get(number)
    with blamed_on("id"):
        return SentView(acting.revoke(phone, data.id).id)


def _view(received: Received) -> ReceivedView:
    content = received.content
    return ReceivedView(
        number=received.number,
        id=received.id,
        sender=received.sender,
        chat=received.chat,
        from_me=received.from_me,
        received_at=received.received_at,
        kind=None if content is None else content.kind,
        text=None if content is None else content.text,
        target=None if content is None else content.target,
        media=None if content is None else media_view(content.media),
        undecryptable=received.problem,
        duplicate_counter=received.duplicate_counter,
        attempt=received.attempt,
    )


HANDLERS = [send_message, list_messages, list_events, read, typing, watch, react, edit, revoke]
