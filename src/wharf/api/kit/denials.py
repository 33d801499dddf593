"""Telling the audit trail who was denied what."""

from starlette.requests import Request

from wharf.access.actions import Action
from wharf.accounts.errors import NotAllowed
from wharf.api.kit import parts
from wharf.api.kit.callers import Caller
from wharf.content.errors import AccessDenied, RepositoryHidden


def note(request: Request, error: Exception) -> None:
    """Note what `error` says, if it denies something that is there to a caller who is known."""
    trail = parts.of(request).trail
    caller: Caller | None = getattr(request.state, "caller", None)
    if trail is None or caller is None or caller.is_anonymous:
        return
    match error:
        case AccessDenied():
            trail.denied(caller.principal, error.name, error.action, error.reason)
        case RepositoryHidden():
            trail.denied(caller.principal, error.name, error.action, "hidden")
        case NotAllowed():
            trail.denied(caller.principal, error.name, Action.ADMIN, "not allowed")
