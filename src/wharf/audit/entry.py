"""One entry, as it is written, found and passed on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts.robots import SEPARATOR

LONGEST_NAME = 255
_NOBODY = "anonymous"


class ActorKind(StrEnum):
    """Who can do something: a caller, or Wharf itself (an expired tag, a policy, the command line)."""

    USER = "user"
    ROBOT = "robot"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; `id` is None for nobody in particular, and in entries that find it out when they are written."""

    kind: ActorKind
    name: str
    id: int | None = None

    @property
    def on_behalf_of(self) -> str | None:
        """Whose instrument the actor is: a robot acts for the user or organization that owns it."""
        return self.name.partition(SEPARATOR)[0] if self.kind is ActorKind.ROBOT else None

    @classmethod
    def of(cls, principal: Principal) -> "Actor":
        """Return the caller as an actor."""
        return cls(_OF_PRINCIPAL[principal.kind], principal.name, principal.id)

    @classmethod
    def named(cls, name: str) -> "Actor":
        """Return whom an event's `by` means; the shape of a name tells robots from users."""
        if not name:
            return SYSTEM
        if name == _NOBODY:
            return ANONYMOUS
        return cls(ActorKind.ROBOT if SEPARATOR in name else ActorKind.USER, name)


SYSTEM = Actor(ActorKind.SYSTEM, "")
ANONYMOUS = Actor(ActorKind.ANONYMOUS, _NOBODY)
_OF_PRINCIPAL = {
    PrincipalKind.USER: ActorKind.USER,
    PrincipalKind.ROBOT: ActorKind.ROBOT,
    PrincipalKind.ANONYMOUS: ActorKind.ANONYMOUS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that was done, or was tried in vain. `namespace` and `repository` say what it belongs to, if anything.

    `id` is None until the entry is written. `details` are JSON values that the kind decides about.
    """

    id: int | None = None
    at: datetime
    kind: str
    actor: Actor
    client_ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    namespace_id: int | None = None
    namespace: str | None = None
    repository_id: int | None = None
    repository: str | None = None
    details: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the entry as JSON values: a line of an export, and what other systems are sent."""
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "kind": self.kind,
            "actor_kind": self.actor.kind.value,
            "actor": self.actor.name,
            "on_behalf_of": self.actor.on_behalf_of,
            "client_ip": self.client_ip,
            "user_agent": self.user_agent,
            "request_id": self.request_id,
            "namespace": self.namespace,
            "repository": self.repository,
            "details": dict(self.details),
        }
