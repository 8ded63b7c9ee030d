"""The ids that customers see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.ids import (
    IdError,
    InboundRef,
    MessageRef,
    OutboundRef,
    new_session_id,
    parse_message_ref,
    parse_session_id,
)

wa_ids = st.text("0123456789ABCDEF", min_size=1, max_size=32)
refs = st.one_of(
    st.builds(OutboundRef, st.integers(1, 10**15 - 1)),
    st.builds(InboundRef, st.integers(0, 10**13 - 1), wa_ids),
)


@given(refs)
def test_a_message_id_is_read_back_as_it_was_written(ref: MessageRef) -> None:
    assert parse_message_ref(str(ref)) == ref


@pytest.mark.parametrize(
    "text", ["", "o_", "o_0", "o_-1", "o_01", "i_1_A", "i_0000000000001_", "x_1", "o_1\n"]
)
def test_what_is_no_message_id_is_refused(text: str) -> None:
    with pytest.raises(IdError):
        parse_message_ref(text)


@pytest.mark.parametrize("text", ["a", "A-1_b", "9", "x" * 64])
def test_a_session_id_of_the_right_form_is_taken_as_it_is(text: str) -> None:
    assert parse_session_id(text) == text


@pytest.mark.parametrize("text", ["", "-a", "_a", "a b", "ä", "a/b", "x" * 65, "a\n"])
def test_a_session_id_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(IdError):
        parse_session_id(text)


def test_a_made_session_id_is_a_good_one() -> None:
    made = new_session_id()

    assert parse_session_id(made) == made
    assert new_session_id() != made
