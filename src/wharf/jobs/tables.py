"""Tables of the queue.

A job's life:

    (enqueue) → waiting ── claim ──→ running ── done ──→ (row deleted)
                   ↑                    │
                   ├── failed, later ───┤
                   │                    └── failed for the last time → dead ── discard ──→ (row deleted)
                   └─────────────── retry ────────────────────────────────┘
"""

from sqlalchemy import Column, Index, Integer, String, Table, Text, text

from wharf.db.metadata import metadata
from wharf.db.types import Id, Instant, Json

_WAITING = text("state = 'waiting'")
_RUNNING = text("state = 'running'")
_WAITING_KEY = text("state = 'waiting' AND key IS NOT NULL")
_RUNNING_LOCK = text("state = 'running' AND lock IS NOT NULL")
_DEAD = text("state = 'dead'")

job = Table(
    "job",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("payload", Json, nullable=False),
    Column("key", Text),
    Column("lock", Text),
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),  # claims so far, the running one included
    Column("created_at", Instant, nullable=False),
    Column("run_at", Instant, nullable=False),  # waiting: not before
    Column("claimed_by", Text),  # running: which claim of which worker, never used twice
    Column("heartbeat_at", Instant),  # running: when that worker was last known to live
    Column("error", Text),  # how the last attempt ended
    Column("failed_at", Instant),  # and when
)
# What a worker takes next: one range per priority.
Index("ix_job_waiting", job.c.priority, job.c.run_at, job.c.id, postgresql_where=_WAITING, sqlite_where=_WAITING)
one_waiting_per_key = Index(
    "uq_job_waiting_key", job.c.key, unique=True, postgresql_where=_WAITING_KEY, sqlite_where=_WAITING_KEY
)
# The promise of `Job.lock`, kept by the database itself.
Index("uq_job_running_lock", job.c.lock, unique=True, postgresql_where=_RUNNING_LOCK, sqlite_where=_RUNNING_LOCK)
Index("ix_job_running", job.c.heartbeat_at, postgresql_where=_RUNNING, sqlite_where=_RUNNING)
Index("ix_job_dead", job.c.id, postgresql_where=_DEAD, sqlite_where=_DEAD)

schedule = Table(
    "schedule",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("last_enqueued_at", Instant, nullable=False),
)
