"""JIDs: read, written, and refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.jid import GROUP_SERVER, LID_SERVER, PN_SERVER, SERVICE, Jid, JidError

users = st.text("0123456789-", min_size=1, max_size=20)
jids = st.builds(Jid, users, st.sampled_from([PN_SERVER, LID_SERVER, GROUP_SERVER]), st.integers(0, 0xFFFF))


@given(jids)
def test_what_is_written_is_read_back(jid: Jid) -> None:
    assert Jid.parse(str(jid)) == jid


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        jid = Jid.parse(text)
    except JidError:
        return

    assert jid.user


@pytest.mark.parametrize(
    "text", ["", "14155550100", "@s.whatsapp.net", "1:70000@lid", "1@", "a@b@c", "1 @lid\n"]
)
def test_what_is_no_jid_is_refused(text: str) -> None:
    with pytest.raises(JidError):
        Jid.parse(text)


def test_a_device_is_one_of_its_account() -> None:
    device = Jid.phone_number("14155550100", 3)

    assert str(device) == "14155550100:3@s.whatsapp.net"
    assert device.account == Jid.phone_number("14155550100")
    assert device.account.with_device(3) == device


def test_the_agent_that_old_jids_carry_is_dropped() -> None:
    assert Jid.parse("14155550100.0:3@s.whatsapp.net") == Jid.phone_number("14155550100", 3)


def test_the_service_is_written_as_its_server_alone() -> None:
    assert str(SERVICE) == PN_SERVER
