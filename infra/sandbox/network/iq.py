"""Questions that a linked device asks the server, and their answers: one function a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infra.sandbox.network import group_iq, key_iq, sync_iq, user_iq
from infra.sandbox.network.iq_error import IqError
from infra.sandbox.wire.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.sandbox.network.login import Login


def answer(login: Login, iq: Node) -> Node:
    """Answer a question; one that the sandbox does not know gets 501, so that the client does not wait."""
    attrs = {"from": iq.attrs.get("to", ""), "id": iq.text("id")}
    question = _QUESTIONS.get(iq.text("xmlns", ""), _unknown)
    try:
        content = question(login, iq)
    except IqError as error:
        problem = Node("error", {"code": str(error.code), "text": error.text})
        return Node("iq", {**attrs, "type": "error"}, [problem])
    return Node("iq", {**attrs, "type": "result"}, content or None)


def _unknown(_login: Login, _iq: Node) -> list[Node]:
    raise IqError(501, "feature-not-implemented")


def _noted(_login: Login, _iq: Node) -> list[Node]:
    return []


_QUESTIONS: dict[str, Callable[[Login, Node], list[Node]]] = {
    "w:p": _noted,
    "urn:xmpp:whatsapp:dirty": _noted,
    "passive": _noted,
    "encrypt": key_iq.answer,
    "usync": user_iq.answer_usync,
    "privacy": user_iq.answer_privacy,
    "blocklist": user_iq.answer_blocklist,
    "w:profile:picture": user_iq.answer_picture,
    "md": user_iq.answer_linked_devices,
    "w:m": sync_iq.answer_media_hosts,
    "w:sync:app:state": sync_iq.answer_app_state,
    "w:g2": group_iq.answer,
}
