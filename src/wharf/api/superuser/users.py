"""`/api/v1/superuser/users/…`: every account of the registry."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from wharf.accounts import namespaces, passwords, users
from wharf.accounts.users import User
from wharf.api.kit import (
    FAILURES,
    Avatar,
    AvatarKind,
    Body,
    FreshSuperuser,
    NextPage,
    Shape,
    WithPage,
    WithParts,
    avatar,
)
from wharf.content.owners import deletion
from wharf.kit.crypto import random_token

router = APIRouter(tags=["superuser"], responses=FAILURES)

_PASSWORD_BYTES = 16


class NewUser(Body):
    """A new account."""

    username: str
    email: str | None = None


class CreatedUser(Shape):
    """Who was created, with a password to hand over. `encrypted_password` is empty: the command line takes this one."""

    username: str
    email: str | None
    password: str
    encrypted_password: str = ""


class Changes(Body):
    """What is to change; a field that is not there stays as it is."""

    password: Annotated[str | None, Field(repr=False)] = None
    email: str | None = None
    enabled: bool | None = None


class UserShape(Shape):
    """A user; no address has to be confirmed, and nobody is a superuser for reading only."""

    kind: Literal["user"] = "user"
    name: str
    username: str
    email: str | None
    verified: bool = True
    avatar: Avatar
    super_user: bool
    global_readonly_super_user: bool = False
    enabled: bool


class Users(Shape):
    """A page of them, by name."""

    users: Sequence[UserShape]
    next_page: NextPage = None


@router.get("/superuser/users/", operation_id="listAllUsers", summary="List all users")
async def list_(
    _: FreshSuperuser,
    page: WithPage,
    parts: WithParts,
    *,
    disabled: Annotated[bool, Query(description="Those who are disabled as well.")] = True,
) -> Users:
    """Return every user."""
    async with parts.database.read() as read:
        found = await users.list_(read, last=page.last(""), count=page.count + 1, disabled=disabled)
    shown, next_page = page.cut(found, lambda user: user.name)
    return Users(users=[_shape(user) for user in shown], next_page=next_page)


@router.post("/superuser/users/", operation_id="createUserBySuperuser", summary="Create a user")
async def create(body: NewUser, caller: FreshSuperuser, parts: WithParts) -> CreatedUser:
    """Create an account with a password of its own, which is shown this once."""
    password = random_token(_PASSWORD_BYTES)
    hashed = await passwords.hash_(password)
    async with parts.database.write() as tx:
        user = await users.create(
            tx, body.username, hashed, email=body.email, by=caller.principal.name, at=parts.clock()
        )
    return CreatedUser(username=user.name, email=user.email, password=password)


@router.get("/superuser/users/{username}", operation_id="getInstallUser", summary="Get a user")
async def get_(username: str, _: FreshSuperuser, parts: WithParts) -> UserShape:
    """Return a user."""
    async with parts.database.read() as read:
        return _shape(await users.get(read, username))


@router.put("/superuser/users/{username}", operation_id="changeInstallUser", summary="Change a user")
async def change(username: str, body: Changes, caller: FreshSuperuser, parts: WithParts) -> UserShape:
    """Change what is given; a new password ends the user's sessions. The last superuser cannot be disabled."""
    hashed = await passwords.hash_(body.password) if body.password is not None else None
    by, at = caller.principal.name, parts.clock()
    async with parts.database.write() as tx:
        user = await users.get(tx, username)
        if hashed is not None:
            await users.change_password(tx, user, hashed, by=by, at=at)
        if body.email is not None:
            await users.change_email(tx, user, body.email)
        if body.enabled is not None and body.enabled is not user.enabled:
            await (users.enable if body.enabled else users.disable)(tx, user, by=by, at=at)
        return _shape(await users.get(tx, username))


@router.delete(
    "/superuser/users/{username}", operation_id="deleteInstallUser", summary="Delete a user", status_code=204
)
async def delete(username: str, caller: FreshSuperuser, parts: WithParts) -> Response:
    """Delete a user with its repositories and robots. The last superuser cannot be deleted."""
    async with parts.database.write() as tx:
        user = await users.get(tx, username)
        owned = await namespaces.get(tx, user.name)
        await deletion.delete_namespace(tx, owned, by=caller.principal, at=parts.clock())
    return Response(status_code=204)


def _shape(user: User) -> UserShape:
    return UserShape(
        name=user.name,
        username=user.name,
        email=user.email,
        avatar=avatar(user.name, AvatarKind.USER),
        super_user=user.superuser,
        enabled=user.enabled,
    )
