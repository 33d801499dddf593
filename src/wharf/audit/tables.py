"""Tables of the audit trail.

Entries outlive what they are about, so nothing here refers to another table: ids are what they were, and names are kept
beside them.

    (recorder, trail) → audit_entry ── retention ──→ (deleted)
                     └→ audit_spool ── delivered ──→ (deleted)       one row per entry and backend that is to get it
"""

from sqlalchemy import Column, Index, Integer, String, Table, Text

from wharf.db.metadata import metadata
from wharf.db.types import Id, Instant, Json, short

entry = Table(
    "audit_entry",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    # An event's name (`tag_moved`) or one of `wharf.audit.kinds`.
    Column("kind", String(64), nullable=False),
    Column("actor_kind", String(16), nullable=False),
    Column("actor_id", Id),
    Column("actor", short(255), nullable=False),
    Column("on_behalf_of", short(255)),
    Column("client_ip", String(64)),
    Column("user_agent", Text),
    Column("request_id", short(128)),
    Column("namespace_id", Id),
    Column("namespace", short(255)),
    Column("repository_id", Id),
    Column("repository", short(255)),
    Column("details", Json, nullable=False),
    # How often it happened: the same pull within one second is one entry.
    Column("repeat_count", Integer, nullable=False),
)
# Newest first, of everything or of one namespace, repository or actor; the id tells entries of one moment apart.
Index("ix_audit_entry_at", entry.c.at, entry.c.id)
Index("ix_audit_entry_namespace", entry.c.namespace_id, entry.c.at, entry.c.id)
Index("ix_audit_entry_repository", entry.c.repository_id, entry.c.at, entry.c.id)
Index("ix_audit_entry_actor", entry.c.actor, entry.c.at, entry.c.id)

spool = Table(
    "audit_spool",
    metadata,
    Column("id", Id, primary_key=True),
    Column("backend", String(32), nullable=False),
    Column("document", Json, nullable=False),
)
Index("ix_audit_spool_backend", spool.c.backend, spool.c.id)
