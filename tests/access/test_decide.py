"""The access policy, as a table."""

import itertools

import pytest

from wharf.access.actions import Action
from wharf.access.decide import Decision, Reason, decide
from wharf.access.grants import (
    NO_GRANTS,
    Grants,
    RepositoryState,
    Resource,
    Role,
    TeamRole,
    Visibility,
    strongest_role,
    strongest_team_role,
)
from wharf.access.principals import ANONYMOUS, Principal, PrincipalKind

ACME = 1
ADA = Principal(PrincipalKind.USER, 2, "ada", namespace_id=2)
ROOT = Principal(PrincipalKind.USER, 3, "root", namespace_id=3, superuser=True)
DEPLOY = Principal(PrincipalKind.ROBOT, 2, "acme+deploy", namespace_id=ACME)

PRIVATE = Resource(ACME)
PUBLIC = Resource(ACME, Visibility.PUBLIC)

READ, WRITE, ADMIN = (Grants(role=role) for role in Role)
MEMBER, CREATOR, TEAM_ADMIN = (Grants(team_role=role) for role in TeamRole)

# Who, with which grants, on what → what they may do ("-" for nothing).
POLICY: list[tuple[Principal, Grants, Resource, str]] = [
    (ANONYMOUS, NO_GRANTS, PRIVATE, "-"),
    (ANONYMOUS, NO_GRANTS, PUBLIC, "pull"),
    (ADA, NO_GRANTS, PRIVATE, "-"),
    (ADA, NO_GRANTS, PUBLIC, "pull"),
    (ADA, NO_GRANTS, Resource(2), "pull push delete admin create"),
    (ADA, READ, PRIVATE, "pull"),
    (ADA, WRITE, PRIVATE, "pull push delete"),
    (ADA, ADMIN, PRIVATE, "pull push delete admin"),
    (ADA, MEMBER, PRIVATE, "-"),
    (ADA, CREATOR, PRIVATE, "create"),
    (ADA, Grants(Role.READ, TeamRole.CREATOR), PRIVATE, "pull create"),
    (ADA, TEAM_ADMIN, PRIVATE, "pull push delete admin create"),
    (DEPLOY, NO_GRANTS, PRIVATE, "-"),
    (DEPLOY, NO_GRANTS, PUBLIC, "pull"),
    # A robot's id and a user's id are different numbers: robot 2 does not own namespace 2.
    (DEPLOY, NO_GRANTS, Resource(2), "-"),
    (DEPLOY, WRITE, PRIVATE, "pull push delete"),
    (DEPLOY, CREATOR, PRIVATE, "create"),
    (ROOT, NO_GRANTS, PRIVATE, "pull push delete admin create"),
]


@pytest.mark.parametrize(("principal", "grants", "resource", "allowed"), POLICY)
def test_policy(principal: Principal, grants: Grants, resource: Resource, allowed: str) -> None:
    may = [action for action in Action if decide(principal, action, resource, grants).allowed]
    assert allowed == (" ".join(may) or "-")


@pytest.mark.parametrize("state", [RepositoryState.READ_ONLY, RepositoryState.MIRROR])
def test_a_state_binds_even_superusers_but_only_in_writing(state: RepositoryState) -> None:
    resource = Resource(ACME, state=state)
    may = {action for action in Action if decide(ROOT, action, resource).allowed}
    assert {Action.PULL, Action.ADMIN, Action.CREATE} == may


@pytest.mark.parametrize(
    ("principal", "action", "resource", "grants", "decision"),
    [
        (ROOT, Action.PUSH, PRIVATE, NO_GRANTS, Decision(True, Reason.SUPERUSER)),
        (ADA, Action.PUSH, Resource(2), NO_GRANTS, Decision(True, Reason.OWNER)),
        (ADA, Action.PUSH, PRIVATE, TEAM_ADMIN, Decision(True, Reason.ORGANIZATION_ADMIN)),
        (ADA, Action.CREATE, PRIVATE, CREATOR, Decision(True, Reason.TEAM_CREATOR)),
        (ADA, Action.PUSH, PRIVATE, WRITE, Decision(True, Reason.GRANT)),
        (ANONYMOUS, Action.PULL, PUBLIC, NO_GRANTS, Decision(True, Reason.PUBLIC)),
        (ANONYMOUS, Action.PULL, PRIVATE, NO_GRANTS, Decision(False, Reason.SIGN_IN)),
        (ADA, Action.PULL, PRIVATE, NO_GRANTS, Decision(False, Reason.NO_GRANT)),
        (ADA, Action.PUSH, Resource(2, state=RepositoryState.READ_ONLY), NO_GRANTS, Decision(False, Reason.READ_ONLY)),
        (ADA, Action.PUSH, Resource(2, state=RepositoryState.MIRROR), NO_GRANTS, Decision(False, Reason.MIRROR)),
        # Who could not write anyway is not told about the state.
        (ADA, Action.PUSH, Resource(ACME, state=RepositoryState.READ_ONLY), READ, Decision(False, Reason.NO_GRANT)),
    ],
)
def test_a_decision_says_why(
    principal: Principal, action: Action, resource: Resource, grants: Grants, decision: Decision
) -> None:
    assert decision == decide(principal, action, resource, grants)


def test_a_stronger_role_never_takes_anything_away() -> None:
    roles: list[Role | None] = [None, *Role]
    for weaker, stronger in itertools.pairwise(roles):
        for action in Action:
            if decide(ADA, action, PRIVATE, Grants(role=weaker)).allowed:
                assert decide(ADA, action, PRIVATE, Grants(role=stronger)).allowed


def test_the_strongest_of_several_roles_counts() -> None:
    assert strongest_role(None, Role.WRITE, Role.READ) is Role.WRITE
    assert strongest_role(None) is None
    assert strongest_team_role(TeamRole.CREATOR, None, TeamRole.ADMIN) is TeamRole.ADMIN
    assert strongest_team_role() is None


def test_a_subject_tells_users_from_robots() -> None:
    assert ["user:2", "robot:2", "anonymous"] == [who.subject for who in (ADA, DEPLOY, ANONYMOUS)]
    assert (2, None) == (ADA.user_id, ADA.robot_id)
    assert (None, 2) == (DEPLOY.user_id, DEPLOY.robot_id)
