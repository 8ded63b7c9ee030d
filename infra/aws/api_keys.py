"""API keys in the table: found by the hash of their secret."""

from __future__ import annotations

from datetime import datetime

from infra.aws.clients import Clients
from infra.aws.pages import Page
from infra.contract.api_keys import ApiKey


class ApiKeys:
    """The API keys of one stack."""

    def __init__(self, clients: Clients) -> None: ...

    def create(self, key: ApiKey) -> bool:
        """Store a new key; False if there is one with this secret."""
        raise NotImplementedError

    def find(self, secret_hash: str) -> ApiKey | None:
        """Give the key whose secret has this hash; expired ones too."""
        raise NotImplementedError

    def find_by_id(self, key_id: str) -> ApiKey | None:
        """Give a key by its public id; may lag by a moment behind `create`."""
        raise NotImplementedError

    def list(self, *, cursor: str | None = None, limit: int = 50) -> Page[ApiKey]:
        """Give keys by id; raises BadCursorError."""
        raise NotImplementedError

    def delete(self, key: ApiKey) -> None:
        """Delete a key; it is gone at once. Twice is once."""
        raise NotImplementedError

    def touch(self, key: ApiKey, *, now: datetime) -> ApiKey:
        """Note that a key was used, at the most once a minute; gives the key as the caller should keep it."""
        raise NotImplementedError

    def rotate(self, old: ApiKey, new: ApiKey, *, old_until: datetime) -> bool:
        """Store `new` and let `old` end at `old_until`, both or neither; False if `old` is gone."""
        raise NotImplementedError
