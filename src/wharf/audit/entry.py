"""One entry, as it is written, found and passed on."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.robots import SEPARATOR

LONGEST_NAME = 255


class ActorKind(StrEnum):
    """Who can do something: a caller, or Wharf itself (an expired tag, a policy, the command line)."""

    USER = "user"
    ROBOT = "robot"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


class Actor(NamedTuple):
    """Who did it; `id` is None for nobody in particular, and where it is found out when the entry is written."""

    kind: ActorKind
    name: str
    id: int | None = None

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """Return the caller as an actor."""
        return cls(_OF_PRINCIPAL[principal.kind], principal.name, principal.id)

    @classmethod
    def named(cls, name: str) -> "Actor":
        """Return whom an event's `by` means; the shape of a name tells robots from users, and nobody is the system."""
        if not name:
            return SYSTEM
        return cls(ActorKind.ROBOT if SEPARATOR in name else ActorKind.USER, name)

    @property
    def on_behalf_of(self) -> str | None:
        """Whose instrument the actor is: a robot acts for the user or organization that owns it."""
        return self.name.partition(SEPARATOR)[0] if self.kind is ActorKind.ROBOT else None


SYSTEM = Actor(ActorKind.SYSTEM, "")
ANONYMOUS = Actor(ActorKind.ANONYMOUS, "anonymous")
_OF_PRINCIPAL = {
    PrincipalKind.USER: ActorKind.USER,
    PrincipalKind.ROBOT: ActorKind.ROBOT,
    PrincipalKind.ANONYMOUS: ActorKind.ANONYMOUS,
}


class Entry(NamedTuple):
    """Something that was done, or was tried in vain; a tuple because every pull makes one.

    `namespace` and `repository` say what it belongs to, if anything. `details` are JSON values that the kind decides
    about; `repeat_count` says how often it happened. `id` is None until the entry is written.
    """

    at: datetime
    kind: str
    actor_kind: ActorKind
    actor: str
    actor_id: int | None
    on_behalf_of: str | None
    client_ip: str | None
    user_agent: str | None
    request_id: str | None
    namespace: str | None
    namespace_id: int | None
    repository: str | None
    repository_id: int | None
    details: Mapping[str, Any]
    repeat_count: int = 1
    id: int | None = None

    def document(self) -> dict[str, Any]:
        """Return the entry as JSON values, for people and other systems: names instead of numbers."""
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "kind": self.kind,
            "actor_kind": self.actor_kind.value,
            "actor": self.actor,
            "on_behalf_of": self.on_behalf_of,
            "client_ip": self.client_ip,
            "user_agent": self.user_agent,
            "request_id": self.request_id,
            "namespace": self.namespace,
            "repository": self.repository,
            "details": dict(self.details),
            "count": self.repeat_count,
        }
