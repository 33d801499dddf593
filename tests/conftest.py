"""Fixtures that every room's tests share, and two rules: no network but the loopback, no skip in CI."""

import faulthandler
import ipaddress
import os
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase

from tests.servers.postgres import PostgresServer, postgres_server
from tests.servers.s3 import S3Server, s3_server
from tests.servers.schema import create_tables
from wharf.db import Database, open_database

# No test fails for being slow: not its examples either.
settings.register_profile(
    "wharf",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=DirectoryBasedExampleDatabase(Path(__file__).parents[1] / ".cache" / "hypothesis"),
)
settings.load_profile("wharf")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL server, started once a session by the first test that wants it."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """A real S3 server, started once a session by the first test that wants it."""
    with s3_server() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of an SQLite database with all tables and no rows."""
    path = tmp_path_factory.mktemp("template") / "wharf.db"
    create_tables(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database with all tables; each test that asks runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "wharf.db"
        path.write_bytes(request.getfixturevalue("sqlite_template"))
        yield f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.borrow()
        yield url
        server.give_back(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open, empty database; each test that asks runs once on SQLite and once on PostgreSQL."""
    opened = await open_database(database_url)
    yield opened
    await opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure in CI: what is skipped there is tested nowhere."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {reason}"
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Show what keeps Python from ending, and end it: a thread that a failed test left waiting must not hold up CI."""
    faulthandler.dump_traceback_later(60, exit=True, file=2)


def _refuse_the_network(event: str, args: tuple[Any, ...]) -> None:
    """Raise at the line that would talk to another machine."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise RuntimeError(f"a test wanted to connect to {host}: tests talk to the loopback address only")


sys.addaudithook(_refuse_the_network)
