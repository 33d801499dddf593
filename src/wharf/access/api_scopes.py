"""API scopes: what an access token limits its holder to on the REST API. The names are those of Quay.

Not to be confused with registry scopes (`oci.scopes`), which registry tokens carry.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple


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


class About(NamedTuple):
    """What a scope lets a program do, for the person who is asked to grant it."""

    title: str
    description: str
    #: To be granted only to who would be given the password.
    dangerous: bool = False


ABOUT: Mapping[ApiScope, About] = {
    ApiScope.REPO_READ: About("View repositories", "See and pull all repositories that you can see"),
    ApiScope.REPO_WRITE: About("Change repositories", "See, pull and push all repositories that you can push to"),
    ApiScope.REPO_ADMIN: About("Administer repositories", "Do with repositories whatever you may do with them"),
    ApiScope.REPO_CREATE: About("Create repositories", "Create repositories wherever you may create some"),
    ApiScope.USER_READ: About("See who you are", "Read your name, your e-mail address and what you belong to"),
    ApiScope.USER_ADMIN: About("Administer your account", "Change your account, its robots and tokens", dangerous=True),
    ApiScope.ORG_ADMIN: About("Administer organizations", "Change organizations that you administer", dangerous=True),
    ApiScope.SUPER_USER: About("Administer the registry", "Do whatever you may do as a superuser", dangerous=True),
}

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
