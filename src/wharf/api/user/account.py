"""`/api/v1/user/` and `/api/v1/users/…`: the own account, and what everybody may know of others'."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from wharf.access.api_scopes import ApiScope
from wharf.access.grants import TeamRole
from wharf.access.principals import Principal
from wharf.accounts import namespaces, organizations, passwords, teams, users
from wharf.accounts.errors import UserUnknown
from wharf.accounts.membership import members
from wharf.api.kit import (
    FAILURES,
    Anyone,
    Avatar,
    AvatarKind,
    Body,
    FreshUserAdmin,
    NotFound,
    Parts,
    Shape,
    UserReader,
    WithParts,
    avatar,
    browser,
    cookies,
)
from wharf.content.owners.deletion import delete_namespace

router = APIRouter(tags=["user"], responses=FAILURES)


class UserShape(Shape):
    """What everybody may know of a user."""

    anonymous: bool = False
    username: str
    avatar: Avatar


class OrganizationShape(Shape):
    """An organization that the user is in."""

    name: str
    avatar: Avatar
    can_create_repo: bool
    public: bool = False
    is_org_admin: bool
    preferred_namespace: bool = False


class OwnUserShape(UserShape):
    """What a user may know of the own account. Without external sign-in and billing, some of it is always the same."""

    is_me: bool = True
    can_create_repo: bool = True
    verified: bool = True
    email: str | None
    logins: Sequence[Mapping[str, Any]] = ()
    invoice_email: bool
    invoice_email_address: str | None
    preferred_namespace: bool = False
    tag_expiration_s: int
    prompts: Sequence[str] = ()
    company: str | None
    family_name: str | None
    given_name: str | None
    location: str | None
    is_free_account: bool = True
    has_password_set: bool
    organizations: list[OrganizationShape]
    super_user: bool


class CreatedUserShape(OwnUserShape):
    """A new account; nothing has to be confirmed by e-mail."""

    awaiting_verification: bool = False


class NewUser(Body):
    """A new account."""

    username: str
    password: Annotated[str, Field(repr=False)]
    email: str | None = None


class Changes(Body):
    """What is to change; a field that is not there stays as it is."""

    password: Annotated[str | None, Field(repr=False)] = None
    email: str | None = None
    tag_expiration_s: Annotated[int | None, Field(ge=0, le=2**31 - 1)] = None
    given_name: str | None = None
    family_name: str | None = None
    company: str | None = None
    location: str | None = None
    invoice_email: bool | None = None
    invoice_email_address: str | None = None


_PROFILE = ("given_name", "family_name", "company", "location", "invoice_email", "invoice_email_address")


@router.get("/user/", operation_id="getLoggedInUser", summary="Get the own account")
async def get_(caller: UserReader, parts: WithParts) -> OwnUserShape:
    """Return who calls."""
    return await _own(parts, caller.principal)


@router.put("/user/", operation_id="changeUserDetails", summary="Change the own account")
async def change(
    body: Changes, caller: FreshUserAdmin, request: Request, response: Response, parts: WithParts
) -> OwnUserShape:
    """Change what is given. A new password ends all other sessions and renews this one."""
    hashed = await passwords.hash_(body.password) if body.password is not None else None
    given = body.model_fields_set
    async with parts.database.write() as tx:
        details = await users.details(tx, caller.user_id)
        if hashed is not None:
            await users.change_password(tx, details.user, hashed, keep=caller.session, at=parts.clock())
        if body.email is not None:
            await users.change_email(tx, details.user, body.email)
        if body.tag_expiration_s is not None:
            await namespaces.set_time_machine(tx, caller.user_id, body.tag_expiration_s)
        if said := {name: getattr(body, name) for name in _PROFILE if name in given}:
            said["invoice_email"] = bool(said.get("invoice_email", details.profile.invoice_email))
            await users.change_profile(tx, details.user, replace(details.profile, **said))
    if hashed is not None:
        await browser.renew_session(request, response, parts, caller)
    return await _own(parts, caller.principal)


@router.post("/user/", operation_id="createNewUser", summary="Create an account")
async def create(
    body: NewUser, caller: Anyone, request: Request, response: Response, parts: WithParts
) -> CreatedUserShape:
    """Create an account, and sign this browser in with it unless somebody is signed in already."""
    if not parts.config.accounts.user_creation:
        raise NotFound
    if caller.is_anonymous:
        cookies.check_csrf(request)
    hashed = await passwords.hash_(body.password)
    async with parts.database.write() as tx:
        user = await users.create(tx, body.username, hashed, email=body.email, by=body.username, at=parts.clock())
    if caller.is_anonymous:
        await browser.open_session(request, response, parts, user.principal)
    own = await _own(parts, user.principal)
    return CreatedUserShape(**own.__dict__)


@router.delete("/user/", operation_id="deleteCurrentUser", summary="Delete the own account", status_code=204)
async def delete(caller: FreshUserAdmin, request: Request, parts: WithParts) -> Response:
    """Delete the caller, who must not be the last to administer something, with repositories and robots."""
    now, user = parts.clock(), caller.principal
    async with parts.database.write() as tx:
        for name, _ in await teams.organizations_of(tx, caller.user_id):
            await members.expel(tx, await organizations.get(tx, name), user, by=user, at=now)
        await delete_namespace(tx, await namespaces.get(tx, user.name), by=user, at=now)
    response = Response(status_code=204)
    cookies.drop(request, response, parts)
    return response


@router.get("/users/{username}", operation_id="getUserInformation", summary="Get a user")
async def get_other(username: str, caller: Anyone, parts: WithParts) -> OwnUserShape | UserShape:
    """Return what the caller may know of a user."""
    async with parts.database.read() as read:
        user = await users.find(read, username)
    if user is None or not user.enabled:
        raise UserUnknown(username)
    if caller.principal.subject == user.principal.subject and ApiScope.USER_READ in caller.scopes:
        return await _own(parts, caller.principal)
    if caller.principal.superuser:
        return (await _own(parts, user.principal)).model_copy(update={"is_me": False})
    return UserShape(username=user.name, avatar=avatar(user.name, AvatarKind.USER))


async def _own(parts: Parts, user: Principal) -> OwnUserShape:
    assert user.id is not None
    async with parts.database.read() as read:
        details = await users.details(read, user.id)
        organizations = await teams.organizations_of(read, user.id)
    default = parts.config.registry.time_machine_seconds
    return OwnUserShape(
        username=details.user.name,
        avatar=avatar(details.user.name, AvatarKind.USER),
        email=details.user.email,
        tag_expiration_s=default if details.time_machine_seconds is None else details.time_machine_seconds,
        has_password_set=details.has_password,
        organizations=[_organization(name, role) for name, role in organizations],
        super_user=user.superuser,
        **{name: getattr(details.profile, name) for name in _PROFILE},
    )


def _organization(name: str, role: TeamRole) -> OrganizationShape:
    return OrganizationShape(
        name=name,
        avatar=avatar(name, AvatarKind.ORGANIZATION),
        can_create_repo=role in {TeamRole.ADMIN, TeamRole.CREATOR},
        is_org_admin=role is TeamRole.ADMIN,
    )
