"""Questions about stored things: media hosts, and the collections of app state (whatsmeow, appstate.go)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from infra.sandbox.app_state import AppStateError, ConflictError
from infra.sandbox.wire.node import Attributes, Node

if TYPE_CHECKING:
    from infra.sandbox.network.login import Login

MEDIA_HOST = "mmg.whatsapp.net"


def answer_media_hosts(login: Login, _iq: Node) -> list[Node]:
    """Name the media host. The auth token tells it whose upload it is."""
    auth = f"{login.account.number}.{secrets.token_urlsafe(8)}"
    attrs: Attributes = {"auth": auth, "ttl": "3600", "auth_ttl": "3600", "max_buckets": "12"}
    return [Node("media_conn", attrs, [Node("host", {"hostname": MEDIA_HOST})])]


def answer_app_state(login: Login, iq: Node) -> list[Node]:
    """Take in a client's patches, and give those that it lacks."""
    collections = [_synced(login, asked) for asked in iq.get("sync").children("collection")]
    return [Node("sync", {}, collections)]


def _synced(login: Login, asked: Node) -> Node:
    primary = login.network.primaries[login.account.number]
    name, version = asked.text("name"), asked.number("version", 0)
    patch = asked.find("patch")
    try:
        if patch is not None:
            primary.accept_patch(name, patch.data(), version)
            version += 1
    except AppStateError as error:
        code = "409" if isinstance(error, ConflictError) else "400"
        return _collection(login, name, version, [Node("error", {"code": code, "text": "conflict"})])
    return _collection(login, name, version, [])


def _collection(login: Login, name: str, version: int, errors: list[Node]) -> Node:
    collection = login.network.primaries[login.account.number].collection(name)
    missing = [Node("patch", {}, data) for data in collection.patches_since(version)]
    parts = [*errors, *([Node("patches", {}, missing)] if missing else [])]
    kind = "error" if errors else "result"
    return Node("collection", {"name": name, "version": str(collection.version), "type": kind}, parts or None)
