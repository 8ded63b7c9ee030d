"""The wire forms, against Google's protobuf as the independent reader and writer."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as FieldProto
from hypothesis import given
from hypothesis import strategies as st

from infra.sandbox.signal.errors import SignalFormatError
from infra.sandbox.signal.messages import (
    PreKeySignalMessage,
    SenderKeyDistribution,
    SenderKeyMessage,
    SignalMessage,
)

NUMBERS = st.integers(0, 2**32 - 1)
KEYS = st.binary(min_size=32, max_size=32)
DECODERS = [
    SignalMessage.decode,
    PreKeySignalMessage.decode,
    SenderKeyMessage.decode,
    SenderKeyDistribution.decode,
]

# As in libsignal's WhisperTextProtocol.proto: the name of a field, its number, and whether it is a number.
SCHEMA = {
    "SignalMessage": [
        ("ratchet", 1, False),
        ("counter", 2, True),
        ("previous_counter", 3, True),
        ("ciphertext", 4, False),
    ],
    "PreKeySignalMessage": [
        ("registration_id", 5, True),
        ("prekey_id", 1, True),
        ("signed_prekey_id", 6, True),
        ("base_key", 2, False),
        ("identity", 3, False),
        ("sealed", 4, False),
    ],
    "SenderKeyMessage": [("key_id", 1, True), ("iteration", 2, True), ("ciphertext", 3, False)],
    "SenderKeyDistribution": [
        ("key_id", 1, True),
        ("iteration", 2, True),
        ("chain_key", 3, False),
        ("signing_key", 4, False),
    ],
}


def google_classes() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="signal.proto", package="signal", syntax="proto2")
    for name, fields in SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, is_number in fields:
            message.field.add(
                name=field,
                number=number,
                label=FieldProto.LABEL_OPTIONAL,
                type=FieldProto.TYPE_UINT32 if is_number else FieldProto.TYPE_BYTES,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"signal.{name}")) for name in SCHEMA
    }


GOOGLE = google_classes()

MESSAGES = st.one_of(
    st.tuples(st.builds(SignalMessage, KEYS, NUMBERS, NUMBERS, st.binary()), st.just(8)),
    st.tuples(
        st.builds(
            PreKeySignalMessage,
            registration_id=NUMBERS,
            prekey_id=st.none() | NUMBERS,
            signed_prekey_id=NUMBERS,
            base_key=KEYS,
            identity=KEYS,
            sealed=st.binary(max_size=400),
        ),
        st.just(0),
    ),
    st.tuples(st.builds(SenderKeyMessage, NUMBERS, NUMBERS, st.binary()), st.just(64)),
    st.tuples(st.builds(SenderKeyDistribution, NUMBERS, NUMBERS, KEYS, KEYS), st.just(0)),
)
TYPED = {"ratchet", "base_key", "identity", "signing_key"}


@given(case=MESSAGES)
def test_google_reads_what_is_written(case: tuple[Any, int]) -> None:
    message, _ = case

    encoded = message.encode()

    assert encoded[:1] == b"\x33"
    read = GOOGLE[type(message).__name__].FromString(encoded[1:])
    for name in message.__struct_fields__:
        expected = getattr(message, name)
        if expected is None:
            assert not read.HasField(name)
        else:
            assert getattr(read, name) == (b"\x05" + expected if name in TYPED else expected)


@given(case=MESSAGES)
def test_what_google_writes_is_read(case: tuple[Any, int]) -> None:
    message, tail = case
    written = GOOGLE[type(message).__name__]()
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if value is not None:
            setattr(written, name, b"\x05" + value if name in TYPED else value)

    decoded = type(message).decode(b"\x33" + written.SerializeToString() + bytes(tail))

    assert decoded == message


@pytest.mark.parametrize("decode", DECODERS)
@given(data=st.binary(max_size=150))
def test_random_bytes_are_read_or_refused_by_name(decode: Any, data: bytes) -> None:
    for encoded in (data, b"\x33" + data, b"\x33" + data + bytes(64)):
        try:
            decode(encoded)
        except SignalFormatError:
            continue


@given(case=MESSAGES, where=st.integers(0), mask=st.integers(1, 255))
def test_an_altered_message_is_read_or_refused_by_name(case: tuple[Any, int], where: int, mask: int) -> None:
    message, tail = case
    encoded = bytearray(message.encode() + bytes(tail))
    encoded[where % len(encoded)] ^= mask

    try:
        type(message).decode(bytes(encoded))
    except SignalFormatError:
        return


@given(case=MESSAGES, kept=st.integers(0))
def test_a_message_that_is_cut_off_is_refused(case: tuple[Any, int], kept: int) -> None:
    message, tail = case
    encoded = message.encode()
    optional = isinstance(message, PreKeySignalMessage)

    with pytest.raises(SignalFormatError):
        type(message).decode(encoded[: kept % len(encoded)] + bytes(0 if optional else tail))


@pytest.mark.parametrize(
    "fields",
    [
        b"\x08\x80\x80\x80\x80\x80\x01",
        b"\x08\xff\xff\xff\xff\x1f",
        b"\x09" + bytes(8),
        b"\x0d" + bytes(4),
        b"\x0b\x00",
    ],
)
def test_longer_numbers_and_other_kinds_of_fields_are_refused(fields: bytes) -> None:
    whole = SenderKeyDistribution(1, 2, bytes(32), bytes(32)).encode()

    with pytest.raises(SignalFormatError):
        SenderKeyDistribution.decode(whole + fields)


def test_another_version_of_the_protocol_is_refused() -> None:
    whole = SenderKeyDistribution(1, 2, bytes(32), bytes(32)).encode()

    with pytest.raises(SignalFormatError):
        SenderKeyDistribution.decode(b"\x44" + whole[1:])


def test_a_chain_key_of_another_length_is_refused() -> None:
    short = SenderKeyDistribution(1, 2, bytes(31), bytes(32)).encode()

    with pytest.raises(SignalFormatError):
        SenderKeyDistribution.decode(short)
