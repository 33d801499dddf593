"""Tables of the registry.

A repository's manifests are rows with their bytes; its blobs are links (`repository_blob`) to blobs that all
repositories share. A tag is a lifetime: moving or deleting it ends the row, and the past stays readable until garbage
collection.

What keeps what alive:

    tag (current, or ended within the time machine's window)
      └─ manifest ── manifest_child ─→ manifest (platforms of an index)
           ├─ manifest_blob ─→ blob          (config and layers)
           └─ subject ←─ manifest            (referrers: signatures, SBOMs)
    lease (`leased_until`): just pushed, not yet attached to anything
    root: a manifest pushed by digest that nothing else has taken over
"""

from sqlalchemy import BigInteger as Bytes
from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from wharf.db.metadata import metadata
from wharf.db.types import Id, Instant, Json, short

repository = Table(
    "repository",
    metadata,
    Column("id", Id, primary_key=True),
    Column("namespace_id", Id, ForeignKey("namespace.id"), nullable=False, index=True),
    # The full name, namespace first. A deleted repository gives its name free and is called `#<id>`.
    Column("name", short(255), nullable=False, unique=True),
    Column("visibility", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    sqlite_autoincrement=True,  # a number is never given twice: tokens and running requests carry it
)
Index(
    "ix_repository_deleted",
    repository.c.id,
    postgresql_where=text("deleted_at IS NOT NULL"),
    sqlite_where=text("deleted_at IS NOT NULL"),
)

repository_grant = Table(
    "repository_grant",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repository_id", Id, ForeignKey("repository.id", ondelete="CASCADE"), nullable=False),
    Column("user_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), index=True),
    Column("robot_id", Id, ForeignKey("robot.id", ondelete="CASCADE"), index=True),
    Column("team_id", Id, ForeignKey("team.id", ondelete="CASCADE"), index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("repository_id", "user_id"),
    UniqueConstraint("repository_id", "robot_id"),
    UniqueConstraint("repository_id", "team_id"),
    CheckConstraint(
        "(user_id IS NOT NULL AND robot_id IS NULL AND team_id IS NULL)"
        " OR (user_id IS NULL AND robot_id IS NOT NULL AND team_id IS NULL)"
        " OR (user_id IS NULL AND robot_id IS NULL AND team_id IS NOT NULL)",
        name="one_grantee",
    ),
)

star = Table(
    "star",
    metadata,
    Column("user_id", Id, ForeignKey("namespace.id", ondelete="CASCADE"), nullable=False),
    Column("repository_id", Id, ForeignKey("repository.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("user_id", "repository_id"),
    sqlite_with_rowid=False,
)

blob = Table(
    "blob",
    metadata,
    Column("id", Id, primary_key=True),
    # SHA-256 is always known; the second address is filled in when somebody pushes by it.
    Column("digest", short(71), nullable=False, unique=True),
    Column("sha512", short(135), unique=True),
    Column("size_bytes", Bytes, nullable=False),
    Column("storage_key", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("doomed_at", Instant),  # no repository links to it since then
    Column("verified_at", Instant),  # last time its bytes were read and matched
)
Index(
    "ix_blob_doomed_at",
    blob.c.doomed_at,
    postgresql_where=text("doomed_at IS NOT NULL"),
    sqlite_where=text("doomed_at IS NOT NULL"),
)

repository_blob = Table(
    "repository_blob",
    metadata,
    Column("repository_id", Id, ForeignKey("repository.id"), nullable=False),
    Column("blob_id", Id, ForeignKey("blob.id"), nullable=False, index=True),
    Column("leased_until", Instant),  # NULL: held by a manifest
    Column("deleted_at", Instant),  # no longer served; kept while a manifest that can be restored needs it
    PrimaryKeyConstraint("repository_id", "blob_id"),
    sqlite_with_rowid=False,
)
Index(
    "ix_repository_blob_leased_until",
    repository_blob.c.leased_until,
    postgresql_where=text("leased_until IS NOT NULL"),
    sqlite_where=text("leased_until IS NOT NULL"),
)

manifest = Table(
    "manifest",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repository_id", Id, ForeignKey("repository.id"), nullable=False),
    Column("digest", short(135), nullable=False),
    Column("media_type", Text, nullable=False),
    Column("artifact_type", Text),
    Column("subject", short(135)),
    Column("annotations", Json),
    Column("size_bytes", Bytes, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("root", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("leased_until", Instant, nullable=False),
    Column("deleted_at", Instant),
    UniqueConstraint("repository_id", "digest"),
)
Index(
    "ix_manifest_subject",
    manifest.c.repository_id,
    manifest.c.subject,
    manifest.c.digest,
    postgresql_where=text("subject IS NOT NULL"),
    sqlite_where=text("subject IS NOT NULL"),
)

Index(
    "ix_manifest_deleted_at",
    manifest.c.deleted_at,
    postgresql_where=text("deleted_at IS NOT NULL"),
    sqlite_where=text("deleted_at IS NOT NULL"),
)

manifest_blob = Table(
    "manifest_blob",
    metadata,
    Column("manifest_id", Id, ForeignKey("manifest.id", ondelete="CASCADE"), nullable=False),
    Column("repository_id", Id, nullable=False),
    Column("blob_id", Id, nullable=False),
    PrimaryKeyConstraint("manifest_id", "blob_id"),
    Index("ix_manifest_blob_repository_id_blob_id", "repository_id", "blob_id"),
    sqlite_with_rowid=False,
)

manifest_child = Table(
    "manifest_child",
    metadata,
    Column("manifest_id", Id, ForeignKey("manifest.id", ondelete="CASCADE"), nullable=False),
    Column("repository_id", Id, nullable=False),
    Column("child_digest", short(135), nullable=False),  # by digest: a sparse index names absent ones
    PrimaryKeyConstraint("manifest_id", "child_digest"),
    Index("ix_manifest_child_repository_id_child_digest", "repository_id", "child_digest"),
    sqlite_with_rowid=False,
)

tag = Table(
    "tag",
    metadata,
    Column("id", Id, primary_key=True),
    Column("repository_id", Id, ForeignKey("repository.id"), nullable=False),
    Column("name", short(128), nullable=False),
    Column("manifest_id", Id, ForeignKey("manifest.id"), nullable=False, index=True),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("expires_at", Instant),
    Column("immutable", Boolean, nullable=False),
    Index("ix_tag_repository_id_name_started_at", "repository_id", "name", "started_at"),
    Index("ix_tag_repository_id_started_at", "repository_id", "started_at", "id"),
)
Index(
    "uq_tag_current",
    tag.c.repository_id,
    tag.c.name,
    unique=True,
    postgresql_where=text("ended_at IS NULL"),
    sqlite_where=text("ended_at IS NULL"),
)
Index(
    "ix_tag_ended_at",
    tag.c.ended_at,
    postgresql_where=text("ended_at IS NOT NULL"),
    sqlite_where=text("ended_at IS NOT NULL"),
)
Index(
    "ix_tag_expires_at",
    tag.c.expires_at,
    postgresql_where=text("expires_at IS NOT NULL AND ended_at IS NULL"),
    sqlite_where=text("expires_at IS NOT NULL AND ended_at IS NULL"),
)

upload = Table(
    "upload",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("repository_id", Id, ForeignKey("repository.id"), nullable=False, index=True),
    Column("owner", Text, nullable=False),  # the principal that opened it, as `kind:id`
    Column("state", String(16), nullable=False),
    Column("offset_bytes", Bytes, nullable=False),
    Column("digest", short(135)),  # what it became, once committed
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)

upload_part = Table(
    "upload_part",
    metadata,
    Column("upload_id", String(32), ForeignKey("upload.id", ondelete="CASCADE"), nullable=False),
    Column("offset_bytes", Bytes, nullable=False),  # two writers at one offset: the second is refused
    Column("size_bytes", Bytes, nullable=False),
    Column("stage_key", Text, nullable=False),
    PrimaryKeyConstraint("upload_id", "offset_bytes"),
    sqlite_with_rowid=False,
)

garbage = Table(
    "garbage",
    metadata,
    Column("id", Id, primary_key=True),
    # Written in the transaction that forgot the object; removed after the object is gone from storage.
    Column("storage_key", Text, nullable=False),
    Column("stage", Boolean, nullable=False),
    Column("size_bytes", Bytes, nullable=False),
    Column("created_at", Instant, nullable=False),
)
