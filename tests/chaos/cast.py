"""Who takes part: the sessions, the contacts that they write to, and the groups that they share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from infra.local.gateway import GatewayError
from infra.local.linking import until_connected

if TYPE_CHECKING:
    from infra.local.gateway import Gateway
    from infra.local.simulated_phones import SimulatedPhones

_FIRST_CONTACT = 14155550000
_FIRST_SESSION = 14155551000
_CONNECTED_WITHIN_SECONDS = 60
_LINKED_AT_ONCE = 4
_EVERY_SO_MANYTH_HAS_A_GROUP = 5


class Chat(NamedTuple):
    """Where a session writes to, who reads it there, and who may answer."""

    to: str
    readers: frozenset[str]


class Member(NamedTuple):
    """A session, and the chats that it has."""

    session: str
    number: str
    chats: tuple[Chat, ...]


class Cast(NamedTuple):
    """All of them."""

    members: tuple[Member, ...]
    contacts: tuple[str, ...]


async def linked_cast(gateway: Gateway, phones: SimulatedPhones, *, sessions: int, contacts: int) -> Cast:
    """Buy the phones, and link so many sessions; now and then one has a group with two contacts."""
    numbers = tuple(str(_FIRST_CONTACT + index) for index in range(contacts))
    for number in numbers:
        await phones.buy(number, f"contact {number}")
    free = asyncio.Semaphore(_LINKED_AT_ONCE)

    async def member(index: int) -> Member:
        session, number = f"s{index:03}", str(_FIRST_SESSION + index)
        async with free:
            await link(gateway, phones, session, number)
        chats = [Chat(contact, frozenset({contact})) for contact in numbers]
        if index % _EVERY_SO_MANYTH_HAS_A_GROUP == 0:
            owner, other = numbers[index % contacts], numbers[(index + 1) % contacts]
            group = await phones.found_group(owner, f"group of {session}", [other, number])
            chats.append(Chat(group, frozenset({owner, other})))
        return Member(session, number, tuple(chats))

    return Cast(tuple(await asyncio.gather(*map(member, range(sessions)))), numbers)


async def link(gateway: Gateway, phones: SimulatedPhones, session: str, number: str) -> None:
    """Create a session, and link it to a new phone."""
    await phones.buy(number, session)
    await gateway.create_session(session)
    async with asyncio.timeout(_CONNECTED_WITHIN_SECONDS):
        await phones.scan(number, await _qr(gateway, session))
        await until_connected(gateway, session)


async def _qr(gateway: Gateway, session: str) -> str:
    while True:
        try:
            return await gateway.qr(session, wait=25)
        except GatewayError as error:
            if error.code != "session_not_ready":
                raise
