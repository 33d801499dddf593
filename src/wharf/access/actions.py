"""What can be done to a repository or a namespace. The values of the first three are those of registry scopes."""

from enum import StrEnum


class Action(StrEnum):
    """One thing a principal may ask for."""

    PULL = "pull"
    PUSH = "push"
    DELETE = "delete"
    #: Settings, grants and removal of a repository or a namespace.
    ADMIN = "admin"
    #: A new repository in a namespace.
    CREATE = "create"


WRITING = frozenset({Action.PUSH, Action.DELETE})
