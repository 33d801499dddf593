"""the audit trail."""

import sqlalchemy as sa
from alembic import op

from wharf.db import types

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Expand the schema; what the previous release uses stays until no replica runs it."""
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", types.Instant(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "actor",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "on_behalf_of",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("client_ip", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column(
            "request_id",
            sa.String(length=128).with_variant(sa.String(length=128, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("namespace_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "namespace",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("repository_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "repository",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("details", types.Json(), nullable=False),
        sa.Column("repeat_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_actor", ["actor", "at", "id"], unique=False)
        batch_op.create_index("ix_audit_entry_at", ["at", "id"], unique=False)
        batch_op.create_index("ix_audit_entry_namespace", ["namespace_id", "at", "id"], unique=False)
        batch_op.create_index("ix_audit_entry_repository", ["repository_id", "at", "id"], unique=False)

    op.create_table(
        "audit_spool",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("backend", sa.String(length=32), nullable=False),
        sa.Column("document", types.Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_spool")),
    )
    with op.batch_alter_table("audit_spool", schema=None) as batch_op:
        batch_op.create_index("ix_audit_spool_backend", ["backend", "id"], unique=False)
