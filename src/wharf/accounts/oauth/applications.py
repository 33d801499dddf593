"""Applications. The client secret is sealed rather than hashed: those who administer the organization may see it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal
from wharf.accounts.errors import ApplicationUnknown
from wharf.accounts.namespaces import Namespace
from wharf.accounts.tables import namespace, oauth_application
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import (
    ApplicationChanged,
    ApplicationCreated,
    ApplicationDeleted,
    ApplicationSecretReplaced,
)
from wharf.events.publish import publish
from wharf.kit.crypto import SecretBox, random_token

_PURPOSE = "oauth client secret"
_CLIENT_ID_BYTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an organization says about its application; `redirect_uri` is where users are sent back to."""

    name: str
    description: str = ""
    application_uri: str = ""
    redirect_uri: str = ""
    avatar_email: str | None = None


@dataclass(frozen=True, slots=True)
class Application:
    """An application of an organization."""

    id: int
    organization_id: int
    organization: str
    client_id: str
    sealed_secret: bytes = field(repr=False)
    about: About
    created_at: datetime

    def secret(self, box: SecretBox) -> str:
        """The client secret."""
        return box.unseal(self.sealed_secret, _PURPOSE).decode()


_a = oauth_application.c
_APPLICATION = select(
    *(_a.id, _a.namespace_id, namespace.c.name, _a.client_id, _a.sealed_secret, _a.created_at),
    *(_a.name, _a.description, _a.application_uri, _a.redirect_uri, _a.avatar_email),
).join(namespace, namespace.c.id == _a.namespace_id)
_OF_ORGANIZATION = _APPLICATION.where(_a.namespace_id == bindparam("organization_id")).order_by(_a.id)
_BY_IDS = _APPLICATION.where(_a.id.in_(bindparam("ids", expanding=True)))
_BY_CLIENT_ID = _APPLICATION.where(_a.namespace_id == bindparam("organization_id"), _a.client_id == bindparam("client"))
_INSERT = insert(oauth_application).returning(_a.id)
_mine = _a.id == bindparam("application_id")
_CHANGE = (
    oauth_application.update()
    .where(_mine)
    .values(
        name=bindparam("new_name"),
        description=bindparam("new_description"),
        application_uri=bindparam("new_application_uri"),
        redirect_uri=bindparam("new_redirect_uri"),
        avatar_email=bindparam("new_avatar_email"),
    )
)
_SET_SECRET = oauth_application.update().where(_mine).values(sealed_secret=bindparam("sealed"))
_DELETE = oauth_application.delete().where(_mine)


async def create(
    tx: Tx, box: SecretBox, organization: Namespace, about: About, *, by: Principal, at: datetime
) -> Application:
    """Register an application of `organization`, with a new client id and secret."""
    client_id, sealed = random_token(_CLIENT_ID_BYTES), _sealed_secret(box)
    id_ = await tx.scalar(
        _INSERT,
        namespace_id=organization.id,
        client_id=client_id,
        sealed_secret=sealed,
        created_at=at,
        name=about.name,
        description=about.description,
        application_uri=about.application_uri,
        redirect_uri=about.redirect_uri,
        avatar_email=about.avatar_email,
    )
    assert id_ is not None
    made = Application(id_, organization.id, organization.name, client_id, sealed, about, at)
    await publish(tx, ApplicationCreated(at=at, by=by.name, **_facts(made)))
    return made


async def list_(read: Read, organization: Namespace) -> list[Application]:
    """Return the applications of an organization, in the order of their making."""
    return [_from_row(*row) for row in await read.all(_OF_ORGANIZATION, organization_id=organization.id)]


async def by_ids(read: Read, ids: Sequence[int]) -> dict[int, Application]:
    """Return applications by their numbers; those that are gone are not in it."""
    rows = await read.all(_BY_IDS, ids=ids) if ids else []
    return {application.id: application for application in (_from_row(*row) for row in rows)}


async def get(read: Read, organization: Namespace, client_id: str) -> Application:
    """Return an application of an organization; raises ApplicationUnknown."""
    row = await read.find(_BY_CLIENT_ID, organization_id=organization.id, client=client_id)
    if row is None:
        raise ApplicationUnknown(client_id)
    return _from_row(*row)


async def change(tx: Tx, target: Application, about: About, *, by: Principal, at: datetime) -> None:
    """Replace what is said about an application."""
    await tx.run(
        _CHANGE,
        application_id=target.id,
        new_name=about.name,
        new_description=about.description,
        new_application_uri=about.application_uri,
        new_redirect_uri=about.redirect_uri,
        new_avatar_email=about.avatar_email,
    )
    await publish(tx, ApplicationChanged(at=at, by=by.name, **_facts(target)))


async def replace_secret(tx: Tx, box: SecretBox, target: Application, *, by: Principal, at: datetime) -> None:
    """Give an application another client secret; the old one is worth nothing any more."""
    await tx.run(_SET_SECRET, application_id=target.id, sealed=_sealed_secret(box))
    await publish(tx, ApplicationSecretReplaced(at=at, by=by.name, **_facts(target)))


async def delete(tx: Tx, target: Application, *, by: Principal, at: datetime) -> None:
    """Delete an application with every token that was issued to it."""
    await tx.run(_DELETE, application_id=target.id)
    await publish(tx, ApplicationDeleted(at=at, by=by.name, **_facts(target)))


def _sealed_secret(box: SecretBox) -> bytes:
    return box.seal(random_token().encode(), _PURPOSE)


def _facts(application: Application) -> dict[str, str]:
    return {
        "organization": application.organization,
        "client_id": application.client_id,
        "application_name": application.about.name,
    }


def _from_row(
    id_: int,
    organization_id: int,
    organization: str,
    client_id: str,
    sealed_secret: bytes,
    created_at: datetime,
    *said: Any,
) -> Application:
    about = About(**dict(zip(About.__dataclass_fields__, said, strict=True)))
    return Application(id_, organization_id, organization, client_id, sealed_secret, about, created_at)
