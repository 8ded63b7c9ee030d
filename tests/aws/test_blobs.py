"""Auth blobs: two writers cannot mix, and deleting leaves no former version."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import zstandard

from infra.aws.blobs import BadBlobError, Blob, Blobs, SavedBlob
from infra.aws.errors import LostError
from infra.contract import keys
from infra.contract.ids import SessionId
from tests.aws.builders import ADA, NOW
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients


def a_blob(content: bytes, *, fence: int = 1, **fields: Any) -> Blob:
    """Build a blob as it may be saved."""
    return Blob(content=content, fence=fence, saved_at=NOW, **fields)


@pytest.fixture(params=["clients", "embedded"])
def blobs(request: pytest.FixtureRequest) -> Blobs:
    """The blobs of an empty stack, in moto and in the embedded AWS."""
    return Blobs(request.getfixturevalue(request.param))


def test_a_blob_is_loaded_as_it_was_saved(blobs: Blobs) -> None:
    blob = a_blob(b"\0keys\xff", fence=7, done_seq=12, final=True)

    etag = blobs.save(ADA, blob, etag=None)

    assert blobs.load(ADA) == SavedBlob(blob, etag)


def test_a_session_that_was_never_linked_has_no_blob(blobs: Blobs) -> None:
    assert blobs.load(ADA) is None


def test_saving_over_what_one_knows_gives_the_next_etag(blobs: Blobs) -> None:
    first = blobs.save(ADA, a_blob(b"1"), etag=None)

    second = blobs.save(ADA, a_blob(b"2"), etag=first)
    third = blobs.save(ADA, a_blob(b"3"), etag=second)

    assert blobs.load(ADA) == SavedBlob(a_blob(b"3"), third)


def test_who_did_not_see_the_last_save_has_lost(blobs: Blobs) -> None:
    seen = blobs.save(ADA, a_blob(b"1"), etag=None)
    newer = blobs.save(ADA, a_blob(b"2", fence=2), etag=seen)

    with pytest.raises(LostError):
        blobs.save(ADA, a_blob(b"3"), etag=seen)
    with pytest.raises(LostError):
        blobs.save(ADA, a_blob(b"3"), etag=None)

    assert blobs.load(ADA) == SavedBlob(a_blob(b"2", fence=2), newer)


def test_two_saves_of_the_same_content_are_told_apart(blobs: Blobs) -> None:
    seen = blobs.save(ADA, a_blob(b"1"), etag=None)
    blobs.save(ADA, a_blob(b"1", fence=2), etag=seen)

    with pytest.raises(LostError):
        blobs.save(ADA, a_blob(b"1"), etag=seen)


def test_what_is_stored_can_be_read_by_any_zstd(clients: Clients) -> None:
    Blobs(clients).save(ADA, a_blob(zstandard.compress(b"a database")), etag=None)

    found = clients.s3.get_object(Bucket=clients.settings.bucket_name, Key=keys.auth_blob(ADA))
    read = zstandard.ZstdDecompressor().stream_reader(found["Body"].read(), read_across_frames=True)

    assert read.readall() == b"a database"


def test_a_deleted_blob_is_not_saved_again_by_who_held_it(blobs: Blobs) -> None:
    etag = blobs.save(ADA, a_blob(b"1"), etag=None)
    blobs.delete(ADA)

    with pytest.raises(LostError):
        blobs.save(ADA, a_blob(b"2"), etag=etag)

    assert blobs.load(ADA) is None


def test_deleting_leaves_no_former_version_and_spares_the_others(clients: Clients) -> None:
    blobs = Blobs(clients)
    etag = blobs.save(ADA, a_blob(b"1"), etag=None)
    blobs.save(ADA, a_blob(b"2"), etag=etag)
    other = blobs.save(SessionId("Ada2"), a_blob(b"other"), etag=None)

    blobs.delete(ADA)
    blobs.delete(ADA)

    kept = clients.s3.list_object_versions(Bucket=clients.settings.bucket_name)
    assert [version["Key"] for version in kept["Versions"]] == ["sessions/Ada2/device.db.zst"]
    assert "DeleteMarkers" not in kept
    assert blobs.load(SessionId("Ada2")) == SavedBlob(a_blob(b"other"), other)


def test_saving_knows_its_own_success_again(embedded: Clients) -> None:
    blobs = Blobs(embedded)
    later = Blob(content=b"2", fence=1, saved_at=NOW + timedelta(seconds=1), done_seq=7, final=True)
    first = blobs.save(ADA, a_blob(b"1"), etag=None)

    with first_answer_lost(embedded, "PutObject"):
        second = blobs.save(ADA, later, etag=first)

    assert blobs.load(ADA) == SavedBlob(later, second)


def test_what_another_version_saved_is_not_taken_for_a_blob(clients: Clients) -> None:
    clients.s3.put_object(Bucket=clients.settings.bucket_name, Key=keys.auth_blob(ADA), Body=b"keys")

    with pytest.raises(BadBlobError):
        Blobs(clients).load(ADA)
