"""How both databases go about the registry's statements: by index, never through a whole table."""

import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Executable, bindparam, text

from tests.content.conftest import Registry
from wharf.content import blobs, manifests, referrers, repositories, tags, time_machine, uploads
from wharf.content.browse import repositories as browse_repositories
from wharf.content.browse import tags as browse_tags
from wharf.content.gc import collect, graph, orphans, sweep
from wharf.db import dialect
from wharf.db.statement import Plans
from wharf.db.types import Instant

_ROWS = 20_000
_BIG = ("repository", "blob", "repository_blob", "manifest", "manifest_blob", "manifest_child", "tag", "upload")
_NUMBERS = f"WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < {_ROWS})"
_FILL = (
    """INSERT INTO repository (id, namespace_id, name, visibility, state, description, created_at, deleted_at)
    SELECT 1000 + i, :namespace, CASE WHEN i % 500 = 0 THEN '#' ELSE 'ada/' END || i, 'private', 'normal', '', :past,
    CASE WHEN i % 500 = 0 THEN :past END FROM numbers""",
    """INSERT INTO blob (id, digest, size_bytes, storage_key, created_at, doomed_at)
    SELECT i, 'sha256:' || (1000000 + i), 1, 'blobs/' || i, :past, CASE WHEN i % 500 = 0 THEN :past END
    FROM numbers""",
    """INSERT INTO repository_blob (repository_id, blob_id, leased_until)
    SELECT :repository, i, CASE WHEN i % 500 = 1 THEN :past END FROM numbers WHERE i % 500 > 0""",
    """INSERT INTO manifest (id, repository_id, digest, media_type, subject, size_bytes, body, root, created_at,
    leased_until, deleted_at)
    SELECT i, CASE WHEN i % 2 = 0 THEN :repository ELSE 1000 + i END, 'sha256:' || (1000000 + i), 'x',
    CASE WHEN i % 4 = 0 THEN 'sha256:subject' END, 1, :body, i % 8 = 1, :past, :past,
    CASE WHEN i % 500 = 2 THEN :past END FROM numbers""",
    """INSERT INTO manifest_blob (manifest_id, repository_id, blob_id)
    SELECT i, :repository, i FROM numbers WHERE i % 500 > 1""",
    """INSERT INTO manifest_child (manifest_id, repository_id, child_digest)
    SELECT i, :repository, 'sha256:' || (1000001 + i) FROM numbers""",
    """INSERT INTO tag (repository_id, name, manifest_id, started_at, ended_at, expires_at, immutable)
    SELECT :repository, 'tag-' || i, i, :past, CASE WHEN i % 500 = 0 THEN :past END,
    CASE WHEN i % 500 = 3 THEN :past END, i < 0 FROM numbers""",
    """INSERT INTO upload (id, repository_id, owner, state, offset_bytes, created_at, expires_at)
    SELECT 'upload-' || i, :repository, 'user:1', 'open', 0, :past,
    CASE WHEN i % 500 = 0 THEN :past ELSE :future END FROM numbers""",
)
_DIGEST = "sha256:1000042"
_STATEMENTS: Mapping[str, tuple[Executable, Mapping[str, Any]]] = {
    "manifest by tag": (manifests._BY_TAG, {"repository": 1, "name": "tag-42", "now": ...}),
    "manifest by digest": (manifests._BY_DIGEST, {"repository": 1, "digest": _DIGEST}),
    "blobs of a manifest": (manifests._LINKED, {"repository": 1, "sha256": [_DIGEST, _DIGEST], "sha512": []}),
    "holding blobs": (manifests._HOLD_BLOBS, {"repository": 1, "ids": [41, 42]}),
    "children": (manifests._CHILDREN, {"repository": 1, "digests": [_DIGEST, "sha256:1000043"]}),
    "tags of a manifest": (manifests._TAGS_OF, {"manifest_id": 42}),
    "page of tags": (tags._NAMES, {"repository": 1, "last": "tag-42", "count": 100, "now": ...}),
    "current tag": (tags._CURRENT, {"repository": 1, "name": "tag-42"}),
    "blob": (blobs._FIND["sha256"], {"repository_id": 1, "digest": _DIGEST}),
    "stored blob": (blobs._STORED, {"digest": _DIGEST}),
    "blob to mount": (blobs._READABLE["sha256", True], {"digest": _DIGEST}),
    "blob in use": (blobs._HELD, {"repository_id": 1, "blob_id": 42}),
    "doom": (blobs._DOOM_UNLINKED, {"ids": [500, 1000], "at": ...}),
    "page of referrers": (
        referrers._OF,
        {"repository": 1, "subject": "sha256:subject", "last": "sha256:1000042", "count": 100},
    ),
    "the door": (repositories._ACCESS, {"name": "ada/42", "user_id": 1, "robot_id": None}),
    "page of the catalog": (repositories._PAGE, {"last": "ada/42", "count": 100}),
    "page of a user's catalog": (
        repositories._VISIBLE_PAGE,
        {"last": "ada/42", "count": 100, "user_id": 1, "robot_id": None, "own_namespace_id": 1},
    ),
    "page of a namespace": (
        browse_repositories._PAGES["visible"],
        {
            "last": "ada/42",
            "end": "ada0",
            "count": 100,
            "stargazer": 1,
            "user_id": 1,
            "robot_id": None,
            "own_namespace_id": 1,
        },
    ),
    "newest tags": (browse_tags._ALL, {"repository": 1, "count": 100, "skip": 0}),
    "newest active tags": (
        browse_tags._STATEMENTS[True, False, False],
        {"repository": 1, "count": 100, "skip": 0, "now": ...},
    ),
    "upload": (uploads._GET, {"id": "upload-42", "repository_id": 1, "owner": "user:1", "now": ...}),
    "parts": (uploads._PARTS, {"id": "upload-42"}),
    "history": (time_machine._HISTORY, {"repository": 1, "name": "tag-42", "count": 20, "skip": 0}),
    "past": (time_machine._PAST, {"repository": 1, "name": "tag-42", "digest": _DIGEST, "since": ...}),
    "expired tags": (sweep._EXPIRED_TAGS, {"now": ..., "count": 200}),
    "expired uploads": (sweep._EXPIRED_UPLOADS, {"now": ..., "count": 200}),
    "ended leases": (sweep._ENDED_LEASES, {"now": ..., "count": 200}),
    "doomed blobs": (sweep._DOOMED, {"before": ..., "count": 200}),
    "due by tags": (sweep._DUE_BY_TAGS, {"since": ..., "seconds": None}),
    "due by manifests": (sweep._DUE_BY_MANIFESTS, {"since": ..., "seconds": None}),
    "deleted repositories": (sweep._DELETED_REPOSITORIES, {}),
    "old tags": (collect._OLD_TAGS, {"repository": 1, "since": ..., "count": 200}),
    "blobs to release": (collect._BLOBS_OF, {"ids": [41, 42]}),
    "releasing": (collect._RELEASE_BLOBS, {"repository": 1, "ids": [41, 42], "until": ...}),
    "candidates": (graph._CANDIDATES, {"repository": 1, "after": "", "count": 200, "now": ..., "since": ...}),
    "parents": (graph._PARENTS, {"repository": 1, "digests": [_DIGEST], "now": ..., "since": ...}),
    "subjects": (graph._SUBJECTS, {"repository": 1, "digests": [_DIGEST], "now": ..., "since": ...}),
    "known objects": (orphans._OF_DIGESTS, {"digests": [_DIGEST, "sha256:1000043"]}),
}


async def _fill(registry: Registry) -> None:
    given = {
        "namespace": registry.owner.id,
        "repository": registry.repository.id,
        "past": registry.now - timedelta(days=1),
        "future": registry.now + timedelta(days=1),
        "body": b"{}",
    }
    async with registry.database.write() as tx:
        for each in _FILL:
            named = [name for name in given if f":{name}" in each]
            instants = [bindparam(name, type_=Instant()) for name in named if name in ("past", "future")]
            insert, _, select = each.partition("SELECT")
            statement = text(f"{insert} {_NUMBERS} SELECT {select}").bindparams(*instants)
            await tx.run(statement, **{name: given[name] for name in named})


def _explain(registry: Registry, url: str) -> dict[str, str]:
    plans = Plans(dialect.sqlite() if registry.database.name == "sqlite" else dialect.postgresql())
    texts = {}
    for name, (statement, given) in _STATEMENTS.items():
        filled = {key: registry.now if value is ... else value for key, value in given.items()}
        texts[name] = plans.of(statement, filled).text(filled)
    if registry.database.name == "sqlite":
        lite = sqlite3.connect(url.removeprefix("sqlite:///"))
        answers = {
            name: "\n".join(row[3] for row in lite.execute(f"EXPLAIN QUERY PLAN {sql}", values))
            for name, (sql, values) in texts.items()
        }
        lite.close()
        return answers
    with psycopg.connect(url, autocommit=True) as postgres:
        postgres.execute("ANALYZE")
        return {
            name: "\n".join(row[0] for row in postgres.execute(f"EXPLAIN {sql}".encode(), values))
            for name, (sql, values) in texts.items()
        }


def _scans(plan: str) -> list[str]:
    lines = [line.strip().removeprefix("->").strip() for line in plan.splitlines()]
    return [
        line
        for line in lines
        for table in _BIG
        if line.startswith((f"SCAN {table}", f"Seq Scan on {table} ", f"Parallel Seq Scan on {table} "))
        and "ix_repository_deleted" not in line  # which has only what is asked for
    ]


@pytest.mark.slow
async def test_statements_use_their_indexes(registry: Registry, database_url: str) -> None:
    await _fill(registry)
    plans = _explain(registry, database_url)
    scans = {name: (found, plan) for name, plan in plans.items() if (found := _scans(plan))}
    for name in ("old tags", "due by tags"):
        assert "ix_tag_ended_at" in plans[name], plans[name]
    for name in ("newest tags", "newest active tags"):
        assert "ix_tag_repository_id_started_at" in plans[name], plans[name]
    assert not scans, "\n\n".join(f"{name}: {plan}" for name, (_, plan) in scans.items())
