"""The decision. Pure: every fact is an argument, so the whole policy is tested by a table."""

from enum import StrEnum
from typing import NamedTuple

from wharf.access.actions import WRITING, Action
from wharf.access.grants import NO_GRANTS, ROLE_ACTIONS, Grants, RepositoryState, Resource, TeamRole, Visibility
from wharf.access.principals import Principal, PrincipalKind


class Reason(StrEnum):
    """Why, as a sentence that may be shown to the one who asked."""

    SUPERUSER = "superusers may do everything"
    OWNER = "it is in your own namespace"
    ORGANIZATION_ADMIN = "you administer the organization"
    TEAM_CREATOR = "your team may create repositories"
    GRANT = "you have been granted this"
    PUBLIC = "the repository is public"
    READ_ONLY = "the repository is read-only"
    MIRROR = "the repository is a mirror and is written by its mirroring only"
    SIGN_IN = "you have to sign in"
    NO_GRANT = "you have not been granted this"


class Decision(NamedTuple):
    """Whether, and why."""

    allowed: bool
    reason: Reason


_REFUSING_STATES = {RepositoryState.READ_ONLY: Reason.READ_ONLY, RepositoryState.MIRROR: Reason.MIRROR}


def decide(principal: Principal, action: Action, resource: Resource, grants: Grants = NO_GRANTS) -> Decision:
    """Whether `principal` may do `action`, given its strongest grants there.

    The state of a repository binds everybody, but is told only to those who could otherwise write.
    """
    decision = _by_right(principal, action, resource, grants)
    if decision.allowed and action in WRITING and resource.state in _REFUSING_STATES:
        return Decision(False, _REFUSING_STATES[resource.state])
    return decision


def _by_right(principal: Principal, action: Action, resource: Resource, grants: Grants) -> Decision:
    if principal.superuser:
        return Decision(True, Reason.SUPERUSER)
    # A robot belongs to a namespace without being its owner: it has what it was granted, nothing else.
    if principal.kind is PrincipalKind.USER and principal.namespace_id == resource.namespace_id:
        return Decision(True, Reason.OWNER)
    if grants.team_role is TeamRole.ADMIN:
        return Decision(True, Reason.ORGANIZATION_ADMIN)
    if grants.team_role is TeamRole.CREATOR and action is Action.CREATE:
        return Decision(True, Reason.TEAM_CREATOR)
    if grants.role is not None and action in ROLE_ACTIONS[grants.role]:
        return Decision(True, Reason.GRANT)
    if action is Action.PULL and resource.visibility is Visibility.PUBLIC:
        return Decision(True, Reason.PUBLIC)
    return Decision(False, Reason.SIGN_IN if principal.kind is PrincipalKind.ANONYMOUS else Reason.NO_GRANT)
