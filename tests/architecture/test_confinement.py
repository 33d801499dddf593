"""Which rooms may use which library, and which room below them: an allow-list, so a new room may use none of these.

The floors themselves are import-linter's (pyproject.toml). Here stands what is narrower than a floor.
"""

import pytest

from tests.architecture.tree import graph

SURFACES = {"v2", "api", "clair", "login", "hooks"}

# Library or room → the rooms that may import it, and why nobody else.
CONFINED: dict[str, tuple[set[str], str]] = {
    "fastapi": ({"api"}, "FastAPI describes the REST API and nothing else: HTTP ends at the surfaces"),
    "starlette": ({"api"}, "it comes with FastAPI; the other surfaces are plain ASGI"),
    "pydantic": ({"api"}, "it comes with FastAPI; other rooms parse with dataclasses or msgspec"),
    "granian": ({"app", "cli"}, "the application is plain ASGI and runs on any server"),
    "uvicorn": (set(), "only a test runs Wharf on it"),
    "typer": ({"cli"}, "the command line is one way to reach a verb, not part of it"),
    "rich": ({"cli"}, "rooms return facts; the command line paints them"),
    "psycopg": ({"db"}, "every difference between the databases is in db"),
    "psycopg_pool": ({"db"}, "every difference between the databases is in db"),
    "sqlite3": ({"db"}, "every difference between the databases is in db"),
    "alembic": ({"db"}, "migrations are run by db"),
    "sqlalchemy": (
        {"accounts", "audit", "builds", "content", "db", "events", "jobs", "mirroring", "notifications", "policies"}
        | {"scanning", "torrents"},
        "surfaces call verbs, drivers and pure rooms know no tables",
    ),
    "aiobotocore": ({"storage"}, "a driver is chosen by name in storage/registry.py"),
    "botocore": ({"storage"}, "a driver is chosen by name in storage/registry.py"),
    "argon2": ({"accounts"}, "passwords are the business of accounts"),
    "prometheus_client": ({"telemetry"}, "metrics are declared in telemetry, where their names can be read"),
    "wharf.storage": ({"content", "scanning", "torrents", "app"}, "bytes are reached through the room that owns them"),
    "wharf.cli": (set(), "nothing is above the command line"),
}
# What may be imported from a confined room all the same.
OPEN = {
    "wharf.storage.errors": "a surface tells clients that a store does not answer",
    "wharf.storage.base": "a surface is handed the store to pass it on, and sends the File, Redirect or Stream it gets",
}


@pytest.mark.parametrize("confined", CONFINED)
def test_only_these_rooms_import_it(confined: str) -> None:
    rooms, reason = CONFINED[confined]
    if confined not in graph().modules:
        return
    targets = {confined} if graph().is_module_squashed(confined) else {confined, *graph().find_descendants(confined)}
    offenders = {
        f"{importer} imports {target}"
        for target in targets - OPEN.keys()
        for importer in graph().find_modules_that_directly_import(target)
        if importer.split(".")[1] not in rooms and importer not in targets
    }
    assert not offenders, f"{confined} is for {sorted(rooms) or 'no room'}: {reason}"
