"""Users: people with an account."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select

from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import namespaces
from wharf.accounts.credentials import client_keys, sessions
from wharf.accounts.credentials.sessions import Session
from wharf.accounts.errors import EmailTaken, LastSuperuser, UserUnknown
from wharf.accounts.namespaces import NamespaceKind
from wharf.accounts.passwords import PasswordHash
from wharf.accounts.tables import namespace, user_account
from wharf.db import Read, Tx
from wharf.db.dialect import insert
from wharf.events.catalog import PasswordChanged, UserCreated, UserDisabled, UserEnabled
from wharf.events.publish import publish
from wharf.kit.clock import utc_now


@dataclass(frozen=True, slots=True)
class User:
    """A person; `id` is also the id of the person's namespace."""

    id: int
    name: str
    email: str | None
    superuser: bool
    enabled: bool
    created_at: datetime

    @property
    def principal(self) -> Principal:
        """The user as a caller."""
        return Principal(PrincipalKind.USER, self.id, self.name, namespace_id=self.id, superuser=self.superuser)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a person says about themself; nothing here is checked or acted upon."""

    given_name: str | None = None
    family_name: str | None = None
    company: str | None = None
    location: str | None = None
    #: Whether invoices are sent by e-mail, and where to: kept for clients of Quay that set it.
    invoice_email: bool = False
    invoice_email_address: str | None = None


class Details(NamedTuple):
    """A user with everything that the user may see and change."""

    user: User
    profile: Profile
    has_password: bool
    #: None for the installation's default.
    time_machine_seconds: int | None


_n, _u = namespace.c, user_account.c
_USER = select(_n.id, _n.name, _u.email, _u.superuser, _n.enabled, _n.created_at).join(user_account)
_BY_NAME = _USER.where(_n.name == bindparam("name"))
_DETAILS = _USER.add_columns(_u.profile, _u.password_hash.is_not(None), _n.time_machine_seconds).where(
    _n.id == bindparam("user_id")
)
_PAGE = _USER.where(_n.name > bindparam("last")).order_by(_n.name).limit(bindparam("count"))
_ENABLED_PAGE = _PAGE.where(_n.enabled.is_(True))
_SUPERUSERS = (
    select(_n.id)
    .join(user_account)
    .where(_u.superuser.is_(True), _n.enabled.is_(True))
    .order_by(_n.id)
    .with_for_update()
)
_ANY = select(_u.namespace_id).limit(1)
# Whatever conflicts here is the e-mail address: the id is new.
_INSERT = insert(user_account).on_conflict_do_nothing().returning(_u.namespace_id)
_EMAIL_OWNER = select(_u.namespace_id).where(_u.email == bindparam("address"))
_SET_EMAIL = user_account.update().where(_u.namespace_id == bindparam("user_id")).values(email=bindparam("address"))
_SET_PASSWORD = (
    user_account.update().where(_u.namespace_id == bindparam("user_id")).values(password_hash=bindparam("hashed"))
)
_SET_PROFILE = user_account.update().where(_u.namespace_id == bindparam("user_id")).values(profile=bindparam("said"))
_SET_SUPERUSER = user_account.update().where(_u.namespace_id == bindparam("user_id")).values(superuser=bindparam("on"))


async def create(
    tx: Tx,
    name: str,
    password: PasswordHash | None,
    *,
    email: str | None = None,
    superuser: bool = False,
    at: datetime | None = None,
    by: str = "",
) -> User:
    """Create a user; `password` comes from `passwords.hash_`, None is for those who sign in elsewhere.

    `by` is the name of whoever does it, empty for the command line and for the first user.

    Raises AccountNameInvalid, AccountNameTaken and EmailTaken.
    """
    at = at or utc_now()
    email = _normalised(email)
    id_ = await namespaces.insert_(tx, NamespaceKind.USER, name, at)
    inserted = await tx.scalar(_INSERT, namespace_id=id_, email=email, password_hash=password, superuser=superuser)
    if inserted is None:
        raise EmailTaken(email or "")
    await publish(tx, UserCreated(at=at, by=by, user_id=id_, user=name))
    return User(id_, name, email, superuser, enabled=True, created_at=at)


async def find(read: Read, name: str) -> User | None:
    """Return the user called `name`, or None."""
    row = await read.find(_BY_NAME, name=name)
    return User(*row) if row else None


async def get(read: Read, name: str) -> User:
    """Return the user called `name`; raises UserUnknown."""
    user = await find(read, name)
    if user is None:
        raise UserUnknown(name)
    return user


async def details(read: Read, user_id: int) -> Details:
    """Return everything about a user; raises LookupError for an id that is none."""
    row = await read.one(_DETAILS, user_id=user_id)
    return Details(User(*row[:6]), Profile(**(row[6] or {})), bool(row[7]), row[8])


async def list_(read: Read, *, last: str = "", count: int = 100, disabled: bool = True) -> list[User]:
    """Return up to `count` users whose names come after `last`, in byte order; those who are disabled if `disabled`."""
    statement = _PAGE if disabled else _ENABLED_PAGE
    return [User(*row) for row in await read.all(statement, last=last, count=count)]


async def exist(read: Read) -> bool:
    """Tell whether there is any user yet."""
    return await read.find(_ANY) is not None


async def disable(tx: Tx, user: User, *, by: str = "", at: datetime | None = None) -> None:
    """Refuse the user, its robots and its repositories from now on; see `namespaces.set_enabled` about its tokens.

    Raises LastSuperuser.
    """
    await keep_a_superuser(tx, user.id, user.name)
    await namespaces.set_enabled(tx, user.id, enabled=False)
    await publish(tx, UserDisabled(at=at or utc_now(), by=by, user_id=user.id, user=user.name))


async def enable(tx: Tx, user: User, *, by: str = "", at: datetime | None = None) -> None:
    """Take `disable` back."""
    await namespaces.set_enabled(tx, user.id, enabled=True)
    await publish(tx, UserEnabled(at=at or utc_now(), by=by, user_id=user.id, user=user.name))


async def keep_a_superuser(tx: Tx, leaving_id: int, name: str) -> None:
    """Raise LastSuperuser if no superuser but the one who is leaving can sign in; no other leaves until `tx` ends."""
    if [leaving_id] == [id_ for (id_,) in await tx.all(_SUPERUSERS)]:
        raise LastSuperuser(name)


async def change_password(
    tx: Tx,
    user: User,
    password: PasswordHash | None,
    *,
    by: str | None = None,
    keep: Session | None = None,
    at: datetime | None = None,
) -> None:
    """Replace the password; what signed in with the old one is asked again at once, but for the session `keep`."""
    await tx.run(_SET_PASSWORD, user_id=user.id, hashed=password)
    await sessions.close_all(tx, user.id, but=keep)
    await client_keys.forget(tx, user.id)
    await publish(tx, PasswordChanged(at=at or utc_now(), by=by or user.name, user=user.name))


async def change_email(tx: Tx, user: User, email: str | None) -> None:
    """Replace the e-mail address; raises EmailTaken."""
    email = _normalised(email)
    if email and await tx.scalar(_EMAIL_OWNER, address=email) not in {None, user.id}:
        raise EmailTaken(email)
    await tx.run(_SET_EMAIL, user_id=user.id, address=email)


async def change_profile(tx: Tx, user: User, profile: Profile) -> None:
    """Replace what the person said about themself."""
    await tx.run(_SET_PROFILE, user_id=user.id, said=asdict(profile))


async def set_superuser(tx: Tx, user: User, *, superuser: bool) -> None:
    """Give or take the right to do everything; raises LastSuperuser."""
    if not superuser:
        await keep_a_superuser(tx, user.id, user.name)
    await tx.run(_SET_SUPERUSER, user_id=user.id, on=superuser)


def _normalised(email: str | None) -> str | None:
    """One spelling per address: hardly any mail server minds case, and two accounts that differ in it would confuse."""
    return email.strip().lower() or None if email else None
