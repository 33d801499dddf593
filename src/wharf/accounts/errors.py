"""What can be wrong about accounts, as facts.

AccountsError
├── CredentialsInvalid
├── SignInLocked, SignInBusy       try again later
├── TokenInvalid
│   └── TokenExpired               genuine, but too old
├── SetupTokenInvalid
├── SessionUnknown, AccessTokenUnknown, AppTokenUnknown, ApplicationUnknown
├── AccountNameInvalid, AccountNameTaken, EmailTaken, PasswordUnacceptable
├── NamespaceUnknown, UserUnknown, RobotUnknown, TeamUnknown
├── MemberUnsuitable, MemberKnown, MemberUnknown, NotInTeam
└── NotAllowed, LastAdministrator, LastSuperuser
"""

from dataclasses import dataclass

from wharf.access.tokens import VerifiedToken


class AccountsError(Exception):
    """Something about an account is not as the caller supposed."""


class CredentialsInvalid(AccountsError):
    """The name and the secret do not belong together; which of the two is wrong is nobody's business."""


@dataclass(eq=False)
class SignInLocked(AccountsError):
    """Too many wrong passwords for this name, existing or not."""

    retry_after_seconds: int


@dataclass(eq=False)
class SignInBusy(AccountsError):
    """More passwords are waiting to be checked than can be soon."""

    retry_after_seconds: int


class TokenInvalid(AccountsError):
    """Not a token of ours, or not one for this registry."""


@dataclass(eq=False)
class TokenExpired(TokenInvalid):
    """A genuine token past its time; `token` tells whose it was, for an upload that was begun with it."""

    token: VerifiedToken


class SetupTokenInvalid(AccountsError):
    """The one-time token is wrong, used, expired, or somebody has set the registry up already."""


@dataclass(eq=False)
class SessionUnknown(AccountsError):
    """The user has no session of this name."""

    uuid: str


@dataclass(eq=False)
class AccessTokenUnknown(AccountsError):
    """The user has no access token of this name."""

    uuid: str


@dataclass(eq=False)
class AppTokenUnknown(AccountsError):
    """The user has no application token of this name."""

    uuid: str


@dataclass(eq=False)
class ApplicationUnknown(AccountsError):
    """The organization has no application of this client id."""

    client_id: str


@dataclass(eq=False)
class AccountNameInvalid(AccountsError):
    """A name that could not be part of a repository's name or of a login."""

    name: str


@dataclass(eq=False)
class AccountNameTaken(AccountsError):
    """A user, organization, robot or team has this name already."""

    name: str


@dataclass(eq=False)
class EmailTaken(AccountsError):
    """Another user has this e-mail address."""

    email: str


@dataclass(eq=False)
class PasswordUnacceptable(AccountsError):
    """Too short or too long; `reason` is a sentence for the person who chose it."""

    reason: str


@dataclass(eq=False)
class NamespaceUnknown(AccountsError):
    """No user or organization has this name."""

    name: str


@dataclass(eq=False)
class UserUnknown(AccountsError):
    """No user has this name."""

    name: str


@dataclass(eq=False)
class RobotUnknown(AccountsError):
    """No robot has this name."""

    name: str


@dataclass(eq=False)
class TeamUnknown(AccountsError):
    """The organization has no team of this name."""

    name: str


@dataclass(eq=False)
class MemberUnsuitable(AccountsError):
    """Who is not a user, nor a robot of the same organization, cannot be in a team."""

    name: str


@dataclass(eq=False)
class MemberKnown(AccountsError):
    """Whom one wanted to add is in the team already."""

    name: str


@dataclass(eq=False)
class MemberUnknown(AccountsError):
    """Nobody of this name is in any team of the organization."""

    name: str


@dataclass(eq=False)
class NotInTeam(AccountsError):
    """Nobody of this name is in the team."""

    name: str


@dataclass(eq=False)
class NotAllowed(AccountsError):
    """The caller may know the user or organization but not do this to it."""

    name: str


@dataclass(eq=False)
class LastAdministrator(AccountsError):
    """Nobody would be left to administer the organization."""

    name: str


@dataclass(eq=False)
class LastSuperuser(AccountsError):
    """Nobody would be left to administer the registry."""

    name: str
