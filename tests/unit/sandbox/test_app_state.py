"""App state: patches of the phone and of a client, their proofs, and what is refused."""

from __future__ import annotations

import copy
import hmac
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contract.jid import Jid
from infra.sandbox.app_state import (
    AppStateKey,
    Collection,
    ConflictError,
    MacError,
    MalformedPatchError,
    Mutation,
    UnknownKeyError,
)
from infra.sandbox.app_state_content import CONTACT_COLLECTION, contact, key_share, push_name
from infra.sandbox.lt_hash import EMPTY
from infra.sandbox.protobufs import e2e, server_sync, sync_action

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = AppStateKey(id=b"\x00\x01abcd", data=bytes(range(32)))


def a_contact(number: int = 1, name: str = "Ada Lovelace") -> Mutation:
    return contact(Jid.phone_number(f"1415555010{number}"), Jid.lid(f"8347111223{number}"), name, AT)


def a_patch(*mutations: Mutation, after: Collection | None = None, key: AppStateKey = KEY) -> bytes:
    """Give what a client would send that knows this collection; clients leave the version out."""
    theirs = copy.deepcopy(after) if after else Collection.empty(CONTACT_COLLECTION)
    theirs.append_own(mutations, key)
    patch = server_sync.SyncdPatch.FromString(theirs.patches[-1])
    patch.ClearField("version")
    return bytes(patch.SerializeToString())


def replayed(collection: Collection, key: AppStateKey = KEY) -> list[Mutation]:
    """Give what a client learns that fetches everything, checking all proofs."""
    theirs = Collection.empty(collection.standing.name)
    said = []
    for version, patch in enumerate(collection.patches_since(0)):
        said += theirs.accept_client_patch(patch, version, key)
    assert theirs == collection
    return said


mutations = st.builds(
    Mutation,
    index=st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple),
    value=st.builds(sync_action.SyncActionValue, timestamp=st.integers(0, 2**53)),
    version=st.integers(0, 9),
    removes=st.booleans(),
)


@given(st.lists(st.lists(mutations, max_size=4), max_size=4))
def test_decoding_gives_what_was_encoded(patches: list[list[Mutation]]) -> None:
    collection = Collection.empty("regular")

    for patch in patches:
        collection.append_own(patch, KEY)

    assert replayed(collection) == [mutation for patch in patches for mutation in patch]


def test_a_clients_patch_says_what_the_client_set() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)

    (said,) = collection.accept_client_patch(a_patch(push_name("Grace", AT)), 0, KEY)

    assert said.index == ("setting_pushName",)
    assert said.value.pushNameSetting.name == "Grace"
    assert collection.version == 1


def test_an_accepted_patch_is_kept_with_its_version() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)
    collection.append_own([a_contact(1)], KEY)

    collection.accept_client_patch(a_patch(a_contact(2), after=collection), 1, KEY)

    (patch,) = collection.patches_since(1)
    assert server_sync.SyncdPatch.FromString(patch).version.version == 2


def test_a_replaced_value_leaves_the_hash_as_if_it_had_never_been() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)
    collection.append_own([a_contact(name="Ada"), a_contact(name="Ada L.")], KEY)

    collection.append_own([msgspec.structs.replace(a_contact(), removes=True)], KEY)

    assert collection.standing.lt_hash == EMPTY
    assert collection.standing.value_macs == {}


def test_removing_what_was_never_set_changes_nothing() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)

    collection.append_own([msgspec.structs.replace(a_contact(), removes=True)], KEY)

    assert collection.standing.lt_hash == EMPTY
    assert replayed(collection)[0].removes


def test_a_patch_on_another_version_is_a_conflict() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)
    patch = a_patch(a_contact(2))
    collection.append_own([a_contact(1)], KEY)

    with pytest.raises(ConflictError):
        collection.accept_client_patch(patch, 0, KEY)

    assert collection.patches_since(0) == collection.patches[:1]


def test_a_patch_with_another_accounts_key_is_refused() -> None:
    patch = a_patch(a_contact(), key=AppStateKey.generate())

    with pytest.raises(UnknownKeyError):
        Collection.empty(CONTACT_COLLECTION).accept_client_patch(patch, 0, KEY)


def test_a_patch_that_is_no_protobuf_is_malformed() -> None:
    with pytest.raises(MalformedPatchError):
        Collection.empty(CONTACT_COLLECTION).accept_client_patch(b"\xff\xff", 0, KEY)


def test_a_patch_for_another_collection_is_detected() -> None:
    with pytest.raises(MacError):
        Collection.empty("regular").accept_client_patch(a_patch(a_contact()), 0, KEY)


@pytest.mark.parametrize("field", ["snapshotMAC", "patchMAC"])
def test_a_wrong_mac_of_the_patch_is_detected(field: str) -> None:
    patch = server_sync.SyncdPatch.FromString(a_patch(a_contact()))
    setattr(patch, field, bytes(32))

    with pytest.raises(MacError):
        Collection.empty(CONTACT_COLLECTION).accept_client_patch(patch.SerializeToString(), 0, KEY)


@given(position=st.integers(min_value=0))
def test_a_changed_byte_anywhere_in_a_record_is_detected(position: int) -> None:
    patch = server_sync.SyncdPatch.FromString(a_patch(a_contact()))
    record = patch.mutations[0].record
    part = (record.index, record.value)[position % 2]
    changed = bytearray(part.blob)
    changed[position // 2 % len(changed)] ^= 0x40
    part.blob = bytes(changed)
    collection = Collection.empty(CONTACT_COLLECTION)

    with pytest.raises(MacError):
        collection.accept_client_patch(patch.SerializeToString(), 0, KEY)

    assert collection == Collection.empty(CONTACT_COLLECTION)


def test_an_index_that_is_no_list_of_texts_is_malformed() -> None:
    nonsense: Any = (1, 2)
    patch = a_patch(Mutation(nonsense, sync_action.SyncActionValue(), version=1))

    with pytest.raises(MalformedPatchError):
        Collection.empty(CONTACT_COLLECTION).accept_client_patch(patch, 0, KEY)


@pytest.mark.parametrize(("removes", "operation"), [(False, b"\x01"), (True, b"\x02")])
def test_the_proof_of_a_value_covers_operation_key_and_ciphertext(*, removes: bool, operation: bytes) -> None:
    collection = Collection.empty(CONTACT_COLLECTION)
    collection.append_own([msgspec.structs.replace(a_contact(), removes=removes)], KEY)
    patch = server_sync.SyncdPatch.FromString(collection.patches[0])
    blob = patch.mutations[0].record.value.blob

    proven = operation + KEY.id + blob[:-32] + bytes([0, 0, 0, 0, 0, 0, 0, 7])

    assert blob[-32:] == hmac.digest(KEY.expanded.value_mac, proven, "sha512")[:32]


def test_a_collection_survives_its_storage() -> None:
    collection = Collection.empty(CONTACT_COLLECTION)
    collection.append_own([a_contact(1), a_contact(2)], KEY)

    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(collection), type=Collection)

    assert stored == collection
    stored.accept_client_patch(a_patch(a_contact(3), after=collection), 1, KEY)


def test_a_generated_key_has_the_known_form() -> None:
    key = AppStateKey.generate()

    assert key.id.startswith(b"\x00\x01")
    assert (len(key.id), len(key.data)) == (6, 32)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(key), type=AppStateKey) == key


def test_the_key_share_carries_the_key() -> None:
    message = e2e.Message.FromString(key_share(KEY, AT).SerializeToString())

    assert message.protocolMessage.type == e2e.ProtocolMessage.APP_STATE_SYNC_KEY_SHARE
    (shared,) = message.protocolMessage.appStateSyncKeyShare.keys
    assert shared.keyID.keyID == KEY.id
    assert shared.keyData.keyData == KEY.data
    assert shared.keyData.timestamp == 1_772_366_400_000
