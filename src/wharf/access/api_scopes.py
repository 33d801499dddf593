"""API scopes: what an access token limits its holder to on the REST API. The names are those of Quay.

Not to be confused with registry scopes (`oci.scopes`), which registry tokens carry.
"""

from collections.abc import Iterable
from enum import StrEnum


class ApiScope(StrEnum):
    """One thing a program may have been allowed to do in a user's name."""

    REPO_READ = "repo:read"
    REPO_WRITE = "repo:write"
    REPO_ADMIN = "repo:admin"
    REPO_CREATE = "repo:create"
    USER_READ = "user:read"
    USER_ADMIN = "user:admin"
    ORG_ADMIN = "org:admin"
    SUPER_USER = "super:user"


#: Which weaker scopes come with one.
_IMPLIED: dict[ApiScope, frozenset[ApiScope]] = {
    ApiScope.REPO_WRITE: frozenset({ApiScope.REPO_READ}),
    ApiScope.REPO_ADMIN: frozenset({ApiScope.REPO_READ, ApiScope.REPO_WRITE}),
    ApiScope.USER_ADMIN: frozenset({ApiScope.USER_READ}),
}
EVERY_SCOPE = frozenset(ApiScope)


class ApiScopeUnknown(ValueError):
    """A text that names no API scope."""


def parse(text: str) -> frozenset[ApiScope]:
    """Read scopes separated by spaces or commas; raises ApiScopeUnknown."""
    words = text.replace(",", " ").split()
    try:
        return frozenset(ApiScope(word) for word in words)
    except ValueError:
        unknown = next(word for word in words if word not in set(ApiScope))
        raise ApiScopeUnknown(unknown) from None


def write(scopes: Iterable[ApiScope]) -> str:
    """The text that `parse` reads, in the order of the enumeration."""
    given = set(scopes)
    return " ".join(scope for scope in ApiScope if scope in given)


def expand(scopes: Iterable[ApiScope]) -> frozenset[ApiScope]:
    """The scopes with everything that comes with them."""
    given = frozenset(scopes)
    return given.union(*(_IMPLIED.get(scope, frozenset()) for scope in given))
