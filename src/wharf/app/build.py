"""Puts a Wharf together. Read this to know what a running process is made of; tests hand in other parts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from wharf.accounts.registry_tokens import TokenService
from wharf.app import numbers
from wharf.app.asgi import Gateway
from wharf.app.deferred import Deferred
from wharf.app.operations import Health, Lifecycle, Metrics, front
from wharf.app.refusals import Surface
from wharf.app.subscriptions import listen
from wharf.audit.backends.base import Backend
from wharf.audit.backends.registry import configured, open_backends
from wharf.audit.jobs import ForgetEntries, ForwardEntries, audit_handlers
from wharf.audit.trail import Trail
from wharf.config import AuditConfig, Config, GcConfig
from wharf.config.secret_key import get_or_create
from wharf.content.gc.collect import CollectionRules
from wharf.content.gc.freed import Freed
from wharf.content.gc.handlers import gc_handlers
from wharf.content.jobs import FindOrphans, Sweep
from wharf.content.uploads import Uploads
from wharf.db import Database, open_database
from wharf.jobs.declare import Handler
from wharf.jobs.schedule import Schedule
from wharf.jobs.worker import Pace, Worker
from wharf.kit.clock import Clock, utc_now
from wharf.kit.crypto import SecretBox
from wharf.storage import Storage, open_storage
from wharf.telemetry.access_log import AccessLog
from wharf.v2 import V2

_ISSUER = "wharf"


@dataclass(frozen=True, slots=True)
class JobContext:
    """What jobs are handed."""

    database: Database
    storage: Storage
    clock: Clock
    collection_rules: CollectionRules
    audit_backends: Mapping[str, Backend]
    audit_retention: timedelta | None
    count_freed: Callable[[Freed], None] = numbers.count_freed


@dataclass(frozen=True, slots=True)
class Wharf:
    """A Wharf that is ready to answer requests and to work."""

    config: Config
    database: Database
    storage: Storage
    tokens: TokenService
    lifecycle: Lifecycle
    gateway: Gateway
    worker: Worker[JobContext]
    jobs: JobContext
    trail: Trail
    access_log: AccessLog | None

    async def close(self) -> None:
        """Give everything back; the worker has stopped and no request is in flight."""
        if self.access_log is not None:
            self.access_log.flush()
        await self.trail.close()
        for backend in self.jobs.audit_backends.values():
            await backend.close()
        await self.storage.close()
        await self.database.close()


async def build(
    config: Config,
    *,
    database: Database | None = None,
    storage: Storage | None = None,
    clock: Clock = utc_now,
    access_log: AccessLog | None = None,
) -> Wharf:
    """Put a Wharf together from `config` and from the parts that are handed in.

    Raises DatabaseUnavailable and StorageUnavailable. The database must have the schema of this release.
    """
    database = database or await open_configured_database(config)
    try:
        storage = storage or await open_storage(config.storage)
        box = SecretBox(get_or_create(config))
        tokens = _token_service(config, database, box, clock)
        await tokens.reload()
    except BaseException:
        await database.close()
        raise
    listen(config.audit)
    lifecycle = Lifecycle()
    backends = open_backends(config.audit)
    jobs = JobContext(
        database,
        storage,
        clock,
        collection_rules(config),
        backends,
        timedelta(days=config.audit.retention_days) if config.audit.retention_days else None,
    )
    trail = Trail(database, backends=tuple(backends), clock=clock)
    return Wharf(
        config=config,
        database=database,
        storage=storage,
        tokens=tokens,
        lifecycle=lifecycle,
        gateway=Gateway(config.server, _surfaces(config, jobs, tokens, box, trail, lifecycle), access_log, lifecycle),
        worker=_worker(config, jobs),
        jobs=jobs,
        trail=trail,
        access_log=access_log,
    )


async def open_configured_database(config: Config) -> Database:
    """Open the database that `config` names. Raises DatabaseUnavailable."""
    if config.database.is_sqlite:
        config.data_folder.mkdir(parents=True, exist_ok=True)
    return await open_database(
        config.database.url, pool_min=config.database.pool_min, pool_max=config.database.pool_max
    )


def collection_rules(config: Config) -> CollectionRules:
    """The patience of garbage collection."""
    return CollectionRules(
        time_machine=timedelta(seconds=config.registry.time_machine_seconds),
        blob_lease=timedelta(seconds=config.registry.blob_lease_seconds),
        grace=timedelta(seconds=config.gc.grace_seconds),
        orphan_age=timedelta(seconds=config.gc.orphan_age_seconds),
        batch_count=config.gc.batch_count,
        max_deletions_per_second=config.gc.max_blobs_per_second,
    )


def _token_service(config: Config, database: Database, box: SecretBox, clock: Clock) -> TokenService:
    return TokenService(
        database,
        box,
        issuer=_ISSUER,
        audience=urlsplit(config.server.public_url or "").netloc or _ISSUER,
        lifetime=timedelta(seconds=config.registry.token_lifetime_seconds),
        clock=clock,
    )


def _surfaces(
    config: Config, jobs: JobContext, tokens: TokenService, box: SecretBox, trail: Trail, lifecycle: Lifecycle
) -> Mapping[str, Surface]:
    """Who answers which first segment of a path."""
    database, storage, clock = jobs.database, jobs.storage, jobs.clock
    uploads = Uploads(
        database,
        storage,
        session_lifetime=timedelta(seconds=config.registry.upload_ttl_seconds),
        blob_lease=timedelta(seconds=config.registry.blob_lease_seconds),
        clock=clock,
    )
    api = Deferred(lambda: _api(jobs, config, box, trail))
    surfaces: dict[str, Surface] = {
        "v2": V2(
            config.registry,
            database,
            storage,
            tokens,
            uploads,
            public_url=config.server.public_url,
            trail=trail,
            audit_pulls=config.audit.pulls,
        ),
        "api": api,
        "csrf_token": api,
        "config": api,
        "health": Health(database, storage, lifecycle),
        "": front,
    }
    if config.telemetry.metrics:
        surfaces["metrics"] = Metrics(config.telemetry.metrics_token, lambda: numbers.refresh_queue(database, clock))
    return surfaces


def _api(jobs: JobContext, config: Config, box: SecretBox, trail: Trail) -> Surface:
    # Imported here and now: FastAPI is a fifth of Wharf's start-up time and a tenth of its memory.
    from wharf.api import Parts, create_api

    return create_api(Parts(jobs.database, config, box, jobs.clock, trail))


def _worker(config: Config, jobs: JobContext) -> Worker[JobContext]:
    each: Mapping[str, Handler[JobContext]] = {**gc_handlers(), **audit_handlers()}
    return Worker(
        jobs.database,
        jobs,
        each,
        clock=jobs.clock,
        concurrency=config.jobs.workers,
        schedules=(*_gc_schedules(config.gc), *_audit_schedules(config.audit)),
        pace=Pace(poll=timedelta(seconds=config.jobs.poll_seconds)),
        observe=numbers.count_job,
    )


def _gc_schedules(config: GcConfig) -> Sequence[Schedule]:
    if not config.enabled:
        return ()
    return (
        Schedule("sweep", timedelta(seconds=config.sweep_seconds), Sweep()),
        Schedule("find_orphans", timedelta(seconds=config.orphan_age_seconds), FindOrphans()),
    )


def _audit_schedules(config: AuditConfig) -> Sequence[Schedule]:
    every = timedelta(seconds=config.forward_seconds)
    return (
        Schedule("forget_audit_entries", timedelta(hours=1), ForgetEntries()),
        *(Schedule(f"forward_audit_{name}", every, ForwardEntries(name)) for name in configured(config)),
    )
