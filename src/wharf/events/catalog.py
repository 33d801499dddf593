"""Every fact that can be published.

An event carries what a listener would otherwise have to look up when it may be gone: numbers, names, digests, who did
it (`by`: the principal's name) and when (`at`). It is past tense; a new one is announced in docs/howto/add-an-event.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from wharf.jobs.payload import PayloadInvalid, dump, load


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact; `name` is how it is called outside of this process."""

    name: ClassVar[str]
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryEvent(Event):
    """A fact about a repository, by its full name (namespace first)."""

    repository_id: int
    repository: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryCreated(RepositoryEvent):
    """A repository exists, created on purpose or by the first push."""

    name = "repository_created"
    visibility: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDeleted(RepositoryEvent):
    """A repository is gone for its users; its content goes in the background."""

    name = "repository_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryVisibilityChanged(RepositoryEvent):
    """A repository became public or private."""

    name = "repository_visibility_changed"
    visibility: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryDescriptionChanged(RepositoryEvent):
    """Something else is said about a repository."""

    name = "repository_description_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryStateChanged(RepositoryEvent):
    """A repository became read-only, or is written to again."""

    name = "repository_state_changed"
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRoleGranted(RepositoryEvent):
    """A user or robot (`to`), or a team of the organization (`to_team`), has this role now and no other."""

    name = "repository_role_granted"
    to: str | None = None
    to_team: str | None = None
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryRoleRevoked(RepositoryEvent):
    """A user or robot, or a team, has no role of its own on a repository any more."""

    name = "repository_role_revoked"
    to: str | None = None
    to_team: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPushed(RepositoryEvent):
    """A manifest or index was accepted, new or known before. Blobs have no event: they mean nothing until this one."""

    name = "manifest_pushed"
    digest: str
    media_type: str
    artifact_type: str | None = None
    subject: str | None = None
    size_bytes: int
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestDeleted(RepositoryEvent):
    """Somebody deleted a manifest by its digest; `tags` went with it. Garbage collection publishes nothing."""

    name = "manifest_deleted"
    digest: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMoved(RepositoryEvent):
    """A tag points at another manifest than before; `previous_digest` is None for a new tag."""

    name = "tag_moved"
    tag: str
    digest: str
    previous_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagDeleted(RepositoryEvent):
    """A tag's lifetime ended: somebody deleted it, or it expired (`by` is empty)."""

    name = "tag_deleted"
    tag: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRestored(RepositoryEvent):
    """A tag points again at a manifest from its past; `previous_digest` is None for a tag that was deleted."""

    name = "tag_restored"
    tag: str
    digest: str
    previous_digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagExpirationChanged(RepositoryEvent):
    """A tag will end by itself at another time than was planned; None: it will not."""

    name = "tag_expiration_changed"
    tag: str
    digest: str
    expires_at: datetime | None
    previously_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagImmutabilityChanged(RepositoryEvent):
    """A tag can be moved and deleted no longer, or can again."""

    name = "tag_immutability_changed"
    tag: str
    digest: str
    immutable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(Event):
    """A person has an account."""

    name = "user_created"
    user_id: int
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDisabled(Event):
    """A user cannot sign in, and its repositories cannot be reached."""

    name = "user_disabled"
    user_id: int
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserEnabled(Event):
    """A user who was disabled can sign in again."""

    name = "user_enabled"
    user_id: int
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDeleted(Event):
    """An account is gone with its repositories and robots; its name is free."""

    name = "user_deleted"
    user_id: int
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChanged(Event):
    """A user signs in with another password from now on."""

    name = "password_changed"
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeyIssued(Event):
    """A user has a key that registry clients use instead of the password."""

    name = "client_key_issued"
    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTokenCreated(Event):
    """A user's programs can sign in to the registry with a token of their own."""

    name = "app_token_created"
    user: str
    token_uuid: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppTokenRevoked(Event):
    """An application token is worth nothing any more."""

    name = "app_token_revoked"
    user: str
    token_uuid: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationEvent(Event):
    """What happened to an OAuth application of an organization."""

    organization: str
    client_id: str
    application_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationCreated(ApplicationEvent):
    """An organization has an application that users can let act for them."""

    name = "application_created"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationChanged(ApplicationEvent):
    """Something else is said about an application."""

    name = "application_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationSecretReplaced(ApplicationEvent):
    """An application has another client secret."""

    name = "application_secret_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationDeleted(ApplicationEvent):
    """An application is gone, and its tokens with it."""

    name = "application_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationTokenRevoked(ApplicationEvent):
    """One of an application's access tokens is worth nothing any more."""

    name = "application_token_revoked"
    token_uuid: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenIssued(Event):
    """A program may act for a user at the REST API; `client_id` is None for a program of the user's own."""

    name = "access_token_issued"
    user: str
    token_uuid: str
    title: str
    scope: str
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTokenRevoked(Event):
    """An access token is worth nothing any more."""

    name = "access_token_revoked"
    user: str
    token_uuid: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationCreated(Event):
    """An organization holds a namespace."""

    name = "organization_created"
    organization_id: int
    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationDeleted(Event):
    """An organization is gone with its repositories, robots and teams; its name is free."""

    name = "organization_deleted"
    organization_id: int
    organization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEvent(Event):
    """A fact about a team of an organization."""

    organization_id: int
    organization: str
    team: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCreated(TeamEvent):
    """An organization has a new team."""

    name = "team_created"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChanged(TeamEvent):
    """A team has another role or description."""

    name = "team_changed"
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamDeleted(TeamEvent):
    """A team is gone; what it was granted is granted to nobody."""

    name = "team_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberAdded(TeamEvent):
    """A user or a robot is in a team."""

    name = "team_member_added"
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamMemberRemoved(TeamEvent):
    """A user or a robot is in a team no more."""

    name = "team_member_removed"
    member: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotCreated(Event):
    """A robot can sign in; `robot` is its full name, `namespace+short`."""

    name = "robot_created"
    robot_id: int
    robot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotTokenReplaced(Event):
    """A robot signs in with another token from now on."""

    name = "robot_token_replaced"
    robot_id: int
    robot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RobotDeleted(Event):
    """A robot signs in no more; what it was granted is granted to nobody."""

    name = "robot_deleted"
    robot_id: int
    robot: str


EVENTS: Mapping[str, type[Event]] = {
    event.name: event
    for event in (
        RepositoryCreated,
        RepositoryDeleted,
        RepositoryVisibilityChanged,
        RepositoryDescriptionChanged,
        RepositoryStateChanged,
        RepositoryRoleGranted,
        RepositoryRoleRevoked,
        ManifestPushed,
        ManifestDeleted,
        TagMoved,
        TagDeleted,
        TagRestored,
        TagExpirationChanged,
        TagImmutabilityChanged,
        UserCreated,
        UserDisabled,
        UserEnabled,
        UserDeleted,
        PasswordChanged,
        ClientKeyIssued,
        AppTokenCreated,
        AppTokenRevoked,
        ApplicationCreated,
        ApplicationChanged,
        ApplicationSecretReplaced,
        ApplicationDeleted,
        ApplicationTokenRevoked,
        AccessTokenIssued,
        AccessTokenRevoked,
        OrganizationCreated,
        OrganizationDeleted,
        TeamCreated,
        TeamChanged,
        TeamDeleted,
        TeamMemberAdded,
        TeamMemberRemoved,
        RobotCreated,
        RobotTokenReplaced,
        RobotDeleted,
    )
}


@dataclass(frozen=True, slots=True)
class Packed:
    """Any event as a field of a job's payload, for jobs that take all of them."""

    name: str
    fields: dict[str, Any]


def pack(event: Event) -> Packed:
    """Return `event` in a form that any job can carry."""
    return Packed(event.name, dump(event))


def unpack(packed: Packed) -> Event:
    """Return the event again; raises `PayloadInvalid`."""
    if packed.name not in EVENTS:
        raise PayloadInvalid(packed.name)
    return load(EVENTS[packed.name], packed.fields)
