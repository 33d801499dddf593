"""A PostgreSQL server of our own: one a test session, an empty database with all tables for each test that asks."""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from tests.servers import free_port, program
from tests.servers.schema import create_tables

_USER = "wharf"
_TEMPLATE = "wharf_template"
_START_SECONDS = 60
# Tests check what is committed, not whether it outlives a power cut.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "jit": "off",
}


# Deleting the few rows of a test costs a hundredth of making a database.
_EMPTY = """
DO $$
DECLARE relation record;
BEGIN
    SET LOCAL session_replication_role = replica;  -- foreign keys wait until all tables are empty
    FOR relation IN
        SELECT oid::regclass AS name, relkind AS kind FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')
    LOOP
        IF relation.kind = 'r' THEN
            EXECUTE format('DELETE FROM %s', relation.name);
        ELSE
            PERFORM setval(relation.name, 1, false);
        END IF;
    END LOOP;
END $$"""

_END_OTHERS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""
# The next test's plans must not depend on the pages and statistics that a large test leaves behind.
_AS_NEW = """
SELECT NOT EXISTS (SELECT FROM pg_stats WHERE schemaname = 'public') AND NOT EXISTS (
    SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 1000000
)"""


class PostgresServer:
    """A running server; every database it made goes away with it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count(1)
        self._has_template = False
        self._idle: list[str] = []

    def url(self, name: str) -> str:
        """Return the URL of the database `name`."""
        return f"postgresql://{_USER}@127.0.0.1:{self._port}/{name}"

    def create(self, *, tables: bool = True) -> str:
        """Create a database, by default with all tables of Wharf in it, and return its URL."""
        if tables and not self._has_template:
            self._has_template = True
            self._execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
            create_tables(self.url(_TEMPLATE).replace("postgresql://", "postgresql+psycopg://"))
        name = f"wharf_{next(self._numbers)}"
        self._execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(_TEMPLATE if tables else "template0")
            )
        )
        return self.url(name)

    def borrow(self) -> str:
        """Return the URL of a database with all tables and no rows, for the caller alone until `give_back`."""
        return self._idle.pop() if self._idle else self.create()

    def give_back(self, url: str) -> None:
        """Empty the database at `url` for the next borrower, ending whoever still uses it."""
        with psycopg.connect(url, autocommit=True) as connection:
            as_new = connection.execute(_AS_NEW).fetchone() == (True,)
            if as_new:
                connection.execute(_END_OTHERS)
                connection.execute(_EMPTY)
        if as_new:
            self._idle.append(url)
        else:
            self.drop(url)

    def drop(self, url: str) -> None:
        """Drop the database at `url`, ending whoever still uses it."""
        name = url.rsplit("/", 1)[1]
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server in a temporary folder and end it afterwards."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    postgres = program("postgres", "postgresql", *binaries)
    initdb = program("initdb", "postgresql", *binaries)
    folder = Path(tempfile.mkdtemp(prefix="wharf-postgres-"))
    data = folder / "data"
    port = free_port()
    as_owner = _as_owner(folder)
    try:
        subprocess.run(
            [
                *as_owner,
                initdb,
                "--no-sync",
                "--auth=trust",
                f"--username={_USER}",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                data,
            ],
            check=True,
            capture_output=True,
            cwd=folder,
        )
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, "port": str(port)}.items()]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*as_owner, postgres, "-D", data, *settings], stdout=log, stderr=log, cwd=folder)
        try:
            server = PostgresServer(port)
            _wait_until_ready(server, process, folder / "log")
            yield server
        finally:
            process.send_signal(2)  # SIGINT: fast shutdown, which does not wait for clients
            process.wait()
    finally:
        shutil.rmtree(folder)


def _as_owner(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: give `folder` to Debian's user for it, and return how to become that user.

    The server also ends with this process, however that ends.
    """
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    setpriv = program("setpriv", "util-linux")
    return [str(setpriv), f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--pdeathsig=INT"]


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(server.url("postgres")).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.02)  # the server tells nobody when it is ready
        else:
            return
