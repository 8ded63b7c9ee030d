"""The routes of API keys; all of them need the scope `admin`."""

from __future__ import annotations

from datetime import timedelta

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency  # noqa: TC002  Litestar reads the annotations
from litestar.openapi.spec import Tag

from control_plane.answers import may_answer
from control_plane.api_keys.issuing import new_key, successor
from control_plane.api_keys.shapes import IdInPath, KeyPage, NewKey, NewKeyView, Rotation, view
from control_plane.auth import needs
from control_plane.bodies import StrictBody  # noqa: TC001
from control_plane.paging import DEFAULT_LIMIT, Cursor, Limit
from control_plane.parsing import session_id
from control_plane.problems import Code, ProblemError
from infra.aws.api_keys import ApiKeys  # noqa: TC001
from infra.contract.api_keys import ApiKey, Scope, new_secret
from infra.contract.clock import Clock  # noqa: TC001

TAG = Tag("API keys", "Who may use this API, and for what. A key's secret is stored as a hash only.")


@post(
    "/",
    summary="Create an API key",
    opt=needs(Scope.ADMIN),
    responses=may_answer(Code.ADMIN_NOT_RESTRICTABLE),
    sync_to_thread=True,
)
def create_key(
    data: StrictBody[NewKey], api_keys: NamedDependency[ApiKeys], clock: NamedDependency[Clock]
) -> Response[NewKeyView]:
    """The secret is in this answer and nowhere else. An admin key cannot be restricted to sessions."""
    if data.sessions is not None and Scope.ADMIN in data.scopes:
        raise ProblemError(Code.ADMIN_NOT_RESTRICTABLE, "the scope admin sees all sessions", field="sessions")
    secret = new_secret()
    key = new_key(
        secret,
        name=data.name,
        scopes=data.scopes,
        created_at=clock.now(),
        sessions=None
        if data.sessions is None
        else [session_id(text, field="sessions") for text in data.sessions],
        expires_at=data.expires_at,
    )
    api_keys.create(key)
    return Response(NewKeyView(view(key), secret.secret))


@get(
    "/",
    summary="List API keys",
    opt=needs(Scope.ADMIN),
    responses=may_answer(),
    sync_to_thread=True,
)
def list_keys(
    api_keys: NamedDependency[ApiKeys], cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> KeyPage:
    """Expired ones too, until they are deleted."""
    page = api_keys.list(cursor=cursor, limit=limit)
    return KeyPage([view(key) for key in page.items], page.cursor)


@post(
    "/{key_id:str}/rotate",
    summary="Replace an API key",
    opt=needs(Scope.ADMIN),
    responses=may_answer(Code.NO_SUCH_KEY),
    sync_to_thread=True,
)
def rotate_key(
    key_id: IdInPath,
    data: StrictBody[Rotation],
    api_keys: NamedDependency[ApiKeys],
    clock: NamedDependency[Clock],
) -> Response[NewKeyView]:
    """A new key that may do the same; the old one goes on for the overlap, so that no program need stop."""
    old = _get(api_keys, key_id)
    now = clock.now()
    secret, new = successor(old, created_at=now)
    overlap_ends = now + timedelta(seconds=data.overlap_seconds)
    old_until = overlap_ends if old.expires_at is None else min(overlap_ends, old.expires_at)
    if not api_keys.rotate(old, new, old_until=old_until):
        raise _no_such_key(key_id)
    return Response(NewKeyView(view(new), secret.secret))


@delete(
    "/{key_id:str}",
    summary="Delete an API key",
    opt=needs(Scope.ADMIN),
    responses=may_answer(Code.NO_SUCH_KEY, Code.OWN_KEY),
    sync_to_thread=True,
)
def delete_key(key_id: IdInPath, caller: NamedDependency[ApiKey], api_keys: NamedDependency[ApiKeys]) -> None:
    """It is void at once. The key that asks cannot be deleted, so that one administrator is always left."""
    if key_id == caller.id:
        raise ProblemError(Code.OWN_KEY, "delete it with another key, or rotate it", field="key_id")
    api_keys.delete(_get(api_keys, key_id))


def _get(api_keys: ApiKeys, key_id: str) -> ApiKey:
    key = api_keys.find_by_id(key_id)
    if key is None:
        raise _no_such_key(key_id)
    return key


def _no_such_key(key_id: str) -> ProblemError:
    return ProblemError(Code.NO_SUCH_KEY, f"there is no key {key_id}", field="key_id")


router = Router(
    "/v1/api-keys", tags=[TAG.name], route_handlers=[create_key, list_keys, rotate_key, delete_key]
)
