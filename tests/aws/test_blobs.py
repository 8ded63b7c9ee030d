"""Auth blobs: two writers cannot mix, and deleting leaves no former version."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infra.aws.blobs import Blob, Blobs
from infra.aws.errors import LostError
from infra.contract.ids import SessionId
from tests.aws.builders import ADA, NOW
from tests.aws.lost_answers import first_answer_lost

if TYPE_CHECKING:
    from infra.aws.clients import Clients


@pytest.fixture(params=["clients", "embedded"])
def blobs(request: pytest.FixtureRequest) -> Blobs:
    """The blobs of an empty stack, in moto and in the embedded AWS."""
    return Blobs(request.getfixturevalue(request.param))


def test_a_blob_is_loaded_as_it_was_saved(blobs: Blobs) -> None:
    etag = blobs.save(ADA, b"\0keys\xff", etag=None, fence=7, saved_at=NOW)

    assert blobs.load(ADA) == Blob(b"\0keys\xff", etag, fence=7, saved_at=NOW)


def test_a_session_that_was_never_linked_has_no_blob(blobs: Blobs) -> None:
    assert blobs.load(ADA) is None


def test_saving_over_what_one_knows_gives_the_next_etag(blobs: Blobs) -> None:
    first = blobs.save(ADA, b"1", etag=None, fence=1, saved_at=NOW)

    second = blobs.save(ADA, b"2", etag=first, fence=1, saved_at=NOW)
    third = blobs.save(ADA, b"3", etag=second, fence=1, saved_at=NOW)

    assert blobs.load(ADA) == Blob(b"3", third, fence=1, saved_at=NOW)


def test_who_did_not_see_the_last_save_has_lost(blobs: Blobs) -> None:
    seen = blobs.save(ADA, b"1", etag=None, fence=1, saved_at=NOW)
    newer = blobs.save(ADA, b"2", etag=seen, fence=2, saved_at=NOW)

    with pytest.raises(LostError):
        blobs.save(ADA, b"3", etag=seen, fence=1, saved_at=NOW)
    with pytest.raises(LostError):
        blobs.save(ADA, b"3", etag=None, fence=1, saved_at=NOW)

    assert blobs.load(ADA) == Blob(b"2", newer, fence=2, saved_at=NOW)


def test_a_deleted_blob_is_not_saved_again_by_who_held_it(blobs: Blobs) -> None:
    etag = blobs.save(ADA, b"1", etag=None, fence=1, saved_at=NOW)
    blobs.delete(ADA)

    with pytest.raises(LostError):
        blobs.save(ADA, b"2", etag=etag, fence=1, saved_at=NOW)

    assert blobs.load(ADA) is None


def test_deleting_leaves_no_former_version_and_spares_the_others(clients: Clients) -> None:
    blobs = Blobs(clients)
    etag = blobs.save(ADA, b"1", etag=None, fence=1, saved_at=NOW)
    blobs.save(ADA, b"2", etag=etag, fence=1, saved_at=NOW)
    other = blobs.save(SessionId("Ada2"), b"other", etag=None, fence=1, saved_at=NOW)

    blobs.delete(ADA)
    blobs.delete(ADA)

    kept = clients.s3.list_object_versions(Bucket=clients.settings.bucket_name)
    assert [version["Key"] for version in kept["Versions"]] == ["sessions/Ada2/device.db.zst"]
    assert "DeleteMarkers" not in kept
    assert blobs.load(SessionId("Ada2")) == Blob(b"other", other, fence=1, saved_at=NOW)


def test_saving_knows_its_own_success_again(embedded: Clients) -> None:
    blobs = Blobs(embedded)
    first = blobs.save(ADA, b"1", etag=None, fence=1, saved_at=NOW)

    with first_answer_lost(embedded, "PutObject"):
        second = blobs.save(ADA, b"2", etag=first, fence=1, saved_at=NOW + timedelta(seconds=1))

    assert blobs.load(ADA) == Blob(b"2", second, fence=1, saved_at=NOW + timedelta(seconds=1))
