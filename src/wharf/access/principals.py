"""Who calls."""

from dataclasses import dataclass
from enum import StrEnum


class PrincipalKind(StrEnum):
    """The kinds of caller; a team is not one, it only holds grants."""

    USER = "user"
    ROBOT = "robot"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose identity is established.

    `id` is the user's namespace id or the robot's id. `namespace_id` is the user's own namespace (equal to `id`), or
    the namespace that owns the robot. `name` is what the caller signs in with: `ada`, or `acme+deploy` for a robot.
    """

    kind: PrincipalKind
    id: int | None
    name: str
    namespace_id: int | None = None
    superuser: bool = False

    @property
    def subject(self) -> str:
        """Who this is, in one text that survives a renaming: compared by running uploads, and a key of caches."""
        return f"{self.kind}:{self.id}" if self.id is not None else str(self.kind)

    @property
    def user_id(self) -> int | None:
        """The id where the caller is a user, for statements that look for a user's grants."""
        return self.id if self.kind is PrincipalKind.USER else None

    @property
    def robot_id(self) -> int | None:
        """The id where the caller is a robot, for statements that look for a robot's grants."""
        return self.id if self.kind is PrincipalKind.ROBOT else None


ANONYMOUS = Principal(PrincipalKind.ANONYMOUS, None, "anonymous")
