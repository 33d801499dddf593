"""Metrics that are fed by what others report: how jobs ended, what was freed, how full the queue is."""

import logging

from wharf.audit import spool
from wharf.content.gc.freed import Freed
from wharf.db import Database
from wharf.db.errors import DatabaseError
from wharf.jobs import queue
from wharf.jobs.worker import Outcome
from wharf.kit.clock import Clock
from wharf.telemetry import metrics

log = logging.getLogger(__name__)


def count_job(kind: str, outcome: Outcome, seconds: float) -> None:
    """Count an attempt at a job."""
    metrics.jobs_run.labels(kind, outcome).inc()
    metrics.jobs_seconds.labels(kind).observe(seconds)


def count_freed(freed: Freed) -> None:
    """Count what garbage collection has forgotten and deleted."""
    metrics.gc_tags_forgotten.inc(freed.tags)
    metrics.gc_uploads_expired.inc(freed.uploads)
    metrics.gc_manifests_deleted.inc(freed.manifests)
    metrics.gc_blobs_deleted.inc(freed.blobs)
    metrics.gc_objects_deleted.inc(freed.objects)
    metrics.gc_bytes_freed.inc(freed.object_bytes)


async def refresh_queue(database: Database, clock: Clock) -> None:
    """Look up how full the job queue and the audit spool are; if the database does not answer, the numbers stay."""
    now = clock()
    try:
        async with database.read() as read:
            depths = await queue.depths(read)
            oldest = await queue.oldest_due_at(read, now)
            waiting = await spool.depths(read)
    except DatabaseError:
        log.warning("job queue not counted", exc_info=True)
        return
    for gauge in (metrics.jobs_waiting, metrics.jobs_running, metrics.jobs_dead):
        gauge.clear()
    for depth in depths:
        metrics.jobs_waiting.labels(depth.kind).set(depth.waiting)
        metrics.jobs_running.labels(depth.kind).set(depth.running)
        metrics.jobs_dead.labels(depth.kind).set(depth.dead)
    metrics.audit_waiting.clear()
    for backend, count in waiting.items():
        metrics.audit_waiting.labels(backend).set(count)
    metrics.jobs_oldest_seconds.set((now - oldest).total_seconds() if oldest else 0)
