"""What can be wrong with the trail, as facts."""

from dataclasses import dataclass


class AuditError(Exception):
    """Something about the audit trail is not as the caller supposed."""


@dataclass(eq=False)
class BackendUnavailable(AuditError):
    """A backend does not take entries at the moment; they wait for it."""

    backend: str
    reason: str


@dataclass(eq=False)
class CursorInvalid(AuditError):
    """Not a place in the trail that a page has ended at."""

    text: str
