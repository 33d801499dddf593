"""Tables of accounts.

namespace ── user_account         a person; the namespace's id is the user's id
    ├─────── robot                credentials for a machine, owned by a user or an organization
    ├─────── organization         what an organization says about itself
    ├─────── oauth_application    a program of others that users let act for them
    └─────── team ── team_member  users and robots, with a role within the organization
    user_account ── session       a browser that somebody signed in with
             ├───── access_token  what a program sends as `Authorization: Bearer` to the REST API
             ├───── app_token     what a program sends as the password of `$app` to the registry
             └───── client_key    what a program sends to the registry as the user's password
sign_in_failure                   wrong passwords by name, whether or not the name exists
setup_token, signing_key          what the installation itself has to remember
"""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from wharf.db.metadata import metadata
from wharf.db.types import Id, Instant, Json, short

namespace = Table(
    "namespace",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", short(255), nullable=False, unique=True),
    # False: nobody signs in as it, and none of its repositories can be reached.
    Column("enabled", Boolean, nullable=False),
    # How long an overwritten or deleted tag can be brought back; NULL for the installation's default.
    Column("time_machine_seconds", Integer),
    Column("created_at", Instant, nullable=False),
    # A deleted one gives its name free and is called `#<id>`: its repositories are collected in the background.
    Column("deleted_at", Instant),
    CheckConstraint("kind IN ('user', 'organization')", name="kind"),
    sqlite_autoincrement=True,  # a number is never given twice: tokens and running requests carry it
)

user_account = Table(
    "user_account",
    metadata,
    Column("namespace_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("email", short(320), unique=True),
    # argon2id, in PHC's form. NULL where only others vouch for the person (single sign-on).
    Column("password_hash", Text),
    Column("superuser", Boolean, nullable=False),
    # What people say about themselves, in the fields of `users.Profile`; NULL until they do.
    Column("profile", Json),
)

organization = Table(
    "organization",
    metadata,
    # There is no row until something is said.
    Column("namespace_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("email", Text),
    # Kept for clients of Quay that set them.
    Column("invoice_email", Boolean, nullable=False),
    Column("invoice_email_address", Text),
)

robot = Table(
    "robot",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), nullable=False),
    Column("name", short(255), nullable=False),
    Column("description", Text, nullable=False),
    # SHA-256: the token is random, so nothing slower is needed.
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    # The token, sealed with the installation's secret key, where those who administer the robot may see it again.
    Column("sealed_token", LargeBinary),
    # A JSON object of its owners' own making.
    Column("details", Json),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("token_created_at", Instant, nullable=False),
    UniqueConstraint("namespace_id", "name"),
    sqlite_autoincrement=True,  # a number is never given twice: tokens and running requests carry it
)

team = Table(
    "team",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), nullable=False),
    Column("name", short(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("namespace_id", "name"),
    CheckConstraint("role IN ('member', 'creator', 'admin')", name="role"),
    sqlite_autoincrement=True,  # a number is never given twice: tokens and running requests carry it
)

team_member = Table(
    "team_member",
    metadata,
    Column("id", Id, primary_key=True),
    Column("team_id", Id, ForeignKey("team.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Id, ForeignKey("user_account.namespace_id", ondelete="CASCADE"), index=True),
    Column("robot_id", Id, ForeignKey("robot.id", ondelete="CASCADE"), index=True),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("team_id", "user_id"),
    UniqueConstraint("team_id", "robot_id"),
    CheckConstraint("(user_id IS NULL) <> (robot_id IS NULL)", name="one_member"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    # The name somebody tried, not a reference: a lock on existing accounts only would tell which ones exist.
    Column("name", short(255), primary_key=True),
    Column("failed_count", Integer, nullable=False),
    Column("locked_until", Instant),
    Column("last_failed_at", Instant, nullable=False, index=True),
)

session = Table(
    "session",
    metadata,
    Column("id", Id, primary_key=True),
    # What the session is called where it is listed and revoked; the secret in the cookie is known by its hash only.
    Column("uuid", short(32), nullable=False, unique=True),
    Column("secret_hash", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("user_account.namespace_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("client", Text, nullable=False),
    Column("address", String(64)),
    Column("created_at", Instant, nullable=False),
    # When the password was last asked for: sensitive calls want it to be recent.
    Column("verified_at", Instant, nullable=False),
    Column("last_used_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

oauth_application = Table(
    "oauth_application",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("client_id", short(64), nullable=False, unique=True),
    # Sealed with the installation's secret key: those who administer the organization may see it again.
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("application_uri", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("avatar_email", Text),
    Column("created_at", Instant, nullable=False),
)

access_token = Table(
    "access_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", short(32), nullable=False, unique=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("user_account.namespace_id", ondelete="CASCADE"), nullable=False, index=True),
    # NULL for a token that its user has for programs of their own.
    Column("application_id", Id, ForeignKey("oauth_application.id", ondelete="CASCADE"), index=True),
    Column("title", Text, nullable=False),
    # API scopes, separated by spaces.
    Column("scope", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("expires_at", Instant, nullable=False, index=True),
)

app_token = Table(
    "app_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", short(32), nullable=False, unique=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    # The token itself, sealed with the installation's secret key: its owner may have it shown again.
    Column("sealed_token", LargeBinary, nullable=False),
    Column("user_id", Id, ForeignKey("user_account.namespace_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("expires_at", Instant),
)

client_key = Table(
    "client_key",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("user_account.namespace_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)

setup_token = Table(
    "setup_token",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("expires_at", Instant, nullable=False),
)

signing_key = Table(
    "signing_key",
    metadata,
    # Counted up by one: of two replicas that make the next key, one is refused and takes the other's.
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("id", short(64), nullable=False, unique=True),
    # PKCS #8, sealed with the installation's secret key.
    Column("sealed_private_key", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("signs_from", Instant, nullable=False),
)
