"""`/api/v1/user/sessions`: the browsers a user is signed in with, and ending them. Beyond Quay's API."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from wharf.accounts.credentials import sessions
from wharf.accounts.credentials.sessions import Session
from wharf.api.kit import FAILURES, Caller, FreshUserAdmin, Moment, Shape, UserAdmin, WithParts

router = APIRouter(tags=["user"], responses=FAILURES)


class SessionShape(Shape):
    """A browser; `current` is the one that asks."""

    uuid: str
    client: str
    address: str | None
    created: Moment
    last_used: Moment
    expires: Moment
    current: bool


class Sessions(Shape):
    """The last used first."""

    sessions: list[SessionShape]


@router.get("/user/sessions", operation_id="listUserSessions", summary="List the browsers that are signed in")
async def list_(caller: UserAdmin, parts: WithParts) -> Sessions:
    """Return every session of the caller."""
    async with parts.database.read() as read:
        found = await sessions.list_(read, caller.user_id, parts.clock())
    return Sessions(sessions=[_shape(session, caller) for session in found])


@router.delete(
    "/user/sessions/{session_uuid}", operation_id="revokeUserSession", summary="End a session", status_code=204
)
async def revoke(session_uuid: Annotated[str, Path()], caller: FreshUserAdmin, parts: WithParts) -> Response:
    """End one session of the caller, which may be the one that asks."""
    async with parts.database.write() as tx:
        await sessions.revoke(tx, caller.user_id, session_uuid)
    return Response(status_code=204)


def _shape(session: Session, caller: Caller) -> SessionShape:
    return SessionShape(
        uuid=session.uuid,
        client=session.client,
        address=session.address,
        created=session.created_at,
        last_used=session.last_used_at,
        expires=session.expires_at,
        current=caller.session is not None and caller.session.id == session.id,
    )
