"""Calls: asked once, answered once, forgotten when nobody waits any more."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.aws.calls import Calls
from infra.contract.calls import Call, Done, LogoutWanted, PairingCodeShown, PairingCodeWanted, Refused
from tests.aws.builders import ADA, NOW
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients


@pytest.fixture
def calls(clients: Clients) -> Calls:
    """The calls of an empty stack."""
    return Calls(clients)


def a_call(call_id: str, seconds: int = 0) -> Call:
    """Build a call asked so many seconds after NOW, with a minute to answer."""
    at = NOW + timedelta(seconds=seconds)
    return Call(ADA, call_id, PairingCodeWanted("14155550100"), at, at + timedelta(minutes=1))


def test_an_answer_is_read_with_its_question(calls: Calls) -> None:
    shown = PairingCodeShown("ABCD-EFGH", NOW + timedelta(minutes=2))
    calls.ask(a_call("c1"))

    answered = calls.answer(ADA, "c1", shown, fence=1)

    assert answered is not None
    assert (answered.question, answered.answer) == (PairingCodeWanted("14155550100"), shown)
    assert calls.find(ADA, "c1") == answered


def test_open_calls_are_given_oldest_first(calls: Calls) -> None:
    for call_id, seconds in (("c1", 3), ("c2", 1), ("c3", 2)):
        calls.ask(a_call(call_id, seconds))
    calls.answer(ADA, "c3", Done(), fence=1)

    assert [call.id for call in calls.open_for(ADA, now=NOW)] == ["c2", "c1"]


def test_an_expired_call_is_not_open_but_can_be_read(calls: Calls) -> None:
    calls.ask(a_call("c1"))

    assert calls.open_for(ADA, now=NOW + timedelta(minutes=1)) == []
    assert calls.find(ADA, "c1") == a_call("c1")


def test_the_first_answer_holds(calls: Calls) -> None:
    calls.ask(Call(ADA, "c1", LogoutWanted(), NOW, NOW + timedelta(minutes=1)))
    first = calls.answer(ADA, "c1", Done(), fence=1)

    assert calls.answer(ADA, "c1", Refused("not_linked"), fence=2) is None
    assert calls.find(ADA, "c1") == first


def test_answering_knows_its_own_success_again(calls: Calls, clients: Clients) -> None:
    calls.ask(a_call("c1"))

    with first_answer_lost(clients, "UpdateItem"):
        answered = calls.answer(ADA, "c1", Done(), fence=1)

    assert answered is not None


def test_an_answer_to_nothing_makes_nothing(calls: Calls) -> None:
    assert calls.answer(ADA, "c1", Done(), fence=1) is None
    assert calls.find(ADA, "c1") is None
