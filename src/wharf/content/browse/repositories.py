"""Repositories as they are listed, found and shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, case, exists, func, or_, select

from wharf.access.grants import RepositoryState, Visibility
from wharf.access.principals import Principal
from wharf.accounts.namespaces import NamespaceKind
from wharf.accounts.tables import namespace
from wharf.content.errors import RepositoryUnknown
from wharf.content.repositories import Repository, granted, visible, visible_to
from wharf.content.tables import repository, star, tag
from wharf.db import Read
from wharf.oci.names import RepositoryName

_r = repository.c
# Names are of lower-case letters, digits and `-._/`: the next character after `/` ends a namespace, `~` ends them all.
_AFTER_SLASH = "0"
_AFTER_ALL = "~"

_changed_at = (
    select(func.max(tag.c.started_at)).where(tag.c.repository_id == _r.id).scalar_subquery().label("changed_at")
)
_ROW = (
    select(_r.name, namespace.c.kind, _r.visibility, _r.state, _r.description)
    .join(namespace, namespace.c.id == _r.namespace_id)
    .where(_r.deleted_at.is_(None), namespace.c.enabled.is_(True))
)
_starred = exists().where(star.c.repository_id == _r.id, star.c.user_id == bindparam("stargazer"))
_PAGE = (
    _ROW.add_columns(_changed_at, _starred)
    .where(_r.name > bindparam("last"), _r.name < bindparam("end"))
    .order_by(_r.name)
    .limit(bindparam("count"))
)
_PAGES = {"every": _PAGE, "visible": _PAGE.where(visible), "granted": _PAGE.where(granted)}
_STARRED_PAGES = {name: page.where(_starred) for name, page in _PAGES.items()}

_by_name: ColumnElement[bool] = _r.name.like(bindparam("pattern"), escape="\\")
_by_description: ColumnElement[bool] = func.lower(_r.description).like(bindparam("pattern"), escape="\\")
_FOUND = (
    _ROW.where(or_(_by_name, _by_description))
    .order_by(case((_by_name, 0), else_=1), _r.name)
    .limit(bindparam("count"))
    .offset(bindparam("skip"))
)
_VISIBLE_FOUND = _FOUND.where(visible)
_ABOUT = select(_r.description, namespace.c.kind, namespace.c.time_machine_seconds).join(
    namespace, namespace.c.id == _r.namespace_id
)
_ABOUT_ONE = _ABOUT.where(_r.id == bindparam("id"), _r.deleted_at.is_(None))


@dataclass(frozen=True, slots=True)
class Listed:
    """A repository in a list; `changed_at` is when a tag was last pushed, None if none was or nobody asked."""

    name: RepositoryName
    owner: NamespaceKind
    visibility: Visibility
    state: RepositoryState
    description: str
    changed_at: datetime | None = None
    starred: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """What a repository's own page says besides the repository itself."""

    description: str
    owner: NamespaceKind
    time_machine: timedelta


async def list_(
    read: Read,
    principal: Principal,
    *,
    namespace: str | None = None,
    public: bool,
    starred: bool = False,
    last: str,
    count: int,
) -> list[Listed]:
    """Return up to `count` repositories after `last` by name, of one namespace or of all, or only `starred` ones.

    Those that the caller may use only because everybody may are left out unless `public`.
    """
    first, end = ("", _AFTER_ALL) if namespace is None else (f"{namespace}/", f"{namespace}{_AFTER_SLASH}")
    given: dict[str, Any] = {"last": max(first, last), "end": end, "count": count, "stargazer": principal.user_id}
    pages = _STARRED_PAGES if starred else _PAGES
    if principal.superuser:
        rows = await read.all(pages["every"], **given)
    else:
        rows = await read.all(pages["visible" if public else "granted"], **given, **visible_to(principal))
    return [_listed(*row) for row in rows]


async def search(read: Read, principal: Principal, text: str, *, skip: int, count: int) -> list[Listed]:
    """Return up to `count` repositories whose name or description has `text` in it, in whatever case.

    By name; those with the text in their names come first.
    """
    escaped = "".join(f"\\{each}" if each in "\\%_" else each for each in text.lower())
    given: dict[str, Any] = {"pattern": f"%{escaped}%", "skip": skip, "count": count}
    if principal.superuser:
        rows = await read.all(_FOUND, **given)
    else:
        rows = await read.all(_VISIBLE_FOUND, **given, **visible_to(principal))
    return [_listed(*row) for row in rows]


async def about(read: Read, target: Repository, default_time_machine: timedelta) -> About:
    """Return what is said about the repository; raises `RepositoryUnknown`."""
    row = await read.find(_ABOUT_ONE, id=target.id)
    if row is None:
        raise RepositoryUnknown(target.name)
    description, kind, seconds = row
    return About(
        description, NamespaceKind(kind), default_time_machine if seconds is None else timedelta(seconds=seconds)
    )


def _listed(
    name: str,
    owner: str,
    visibility: str,
    state: str,
    description: str,
    changed_at: datetime | None = None,
    starred: bool = False,  # noqa: FBT001, FBT002 - a column of a row
) -> Listed:
    return Listed(
        RepositoryName(name),
        NamespaceKind(owner),
        Visibility(visibility),
        RepositoryState(state),
        description,
        changed_at,
        bool(starred),
    )
