"""The first API key of a stack, without which nobody could make another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from control_plane.api_keys.issuing import new_key
from infra.contract.api_keys import Scope, describe_secret

if TYPE_CHECKING:
    from infra.aws.api_keys import ApiKeys
    from infra.contract.clock import Clock

NAME = "admin"


def bootstrap_admin_key(api_keys: ApiKeys, secret: str, clock: Clock) -> None:
    """See to it that this secret is a key that may do everything; done twice, it is done once."""
    key = new_key(describe_secret(secret), name=NAME, scopes={Scope.ADMIN}, created_at=clock.now())
    api_keys.create(key)
