"""What principals have been given, and the facts of the thing they want to use."""

from dataclasses import dataclass
from enum import StrEnum

from wharf.access.actions import Action


class Role(StrEnum):
    """What a grant on a repository gives; each role includes the one before."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class TeamRole(StrEnum):
    """What membership in a team gives within its organization; each role includes the one before."""

    MEMBER = "member"
    CREATOR = "creator"
    ADMIN = "admin"


class Visibility(StrEnum):
    """Who may pull without a grant."""

    PUBLIC = "public"
    PRIVATE = "private"


class RepositoryState(StrEnum):
    """What may be written to a repository, whoever asks."""

    NORMAL = "normal"
    READ_ONLY = "read_only"
    #: Written by its mirror only.
    MIRROR = "mirror"


ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.READ: frozenset({Action.PULL}),
    Role.WRITE: frozenset({Action.PULL, Action.PUSH, Action.DELETE}),
    Role.ADMIN: frozenset({Action.PULL, Action.PUSH, Action.DELETE, Action.ADMIN}),
}


@dataclass(frozen=True, slots=True)
class Resource:
    """The facts of what is to be used: a repository, or (for Action.CREATE and its ADMIN) a namespace itself."""

    namespace_id: int
    visibility: Visibility = Visibility.PRIVATE
    state: RepositoryState = RepositoryState.NORMAL


@dataclass(frozen=True, slots=True)
class Grants:
    """The strongest grant of one principal, its own or a team's, on the repository and within the namespace."""

    role: Role | None = None
    team_role: TeamRole | None = None


NO_GRANTS = Grants()

_ROLES = tuple(Role)
_TEAM_ROLES = tuple(TeamRole)


def strongest_role(*roles: Role | None) -> Role | None:
    """The one of several roles that includes the others."""
    return max((role for role in roles if role), key=_ROLES.index, default=None)


def strongest_team_role(*roles: TeamRole | None) -> TeamRole | None:
    """The one of several team roles that includes the others."""
    return max((role for role in roles if role), key=_TEAM_ROLES.index, default=None)
