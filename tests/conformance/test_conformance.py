"""Wharf passes every check of the OCI conformance program, also where an earlier run has left its traces."""

from pathlib import Path

import pytest

from tests.conformance import program
from tests.servers.postgres import PostgresServer
from tests.servers.s3 import S3Server
from tests.servers.wharf import PASSWORD, USERNAME, Wharf, replicas

pytestmark = [pytest.mark.conformance, pytest.mark.slow]

SETTINGS = {"registry.allow_sparse_indexes": True, "registry.allow_sparse_images": True}
# Of the pinned version; fewer would mean that something was left out.
_CHECKS = 830


def test_on_sqlite_and_local_disk(tmp_path: Path) -> None:
    wharf = Wharf(tmp_path / "wharf", SETTINGS)
    wharf.create_user()
    with wharf:
        _passes_twice(wharf.host, tmp_path)


@pytest.mark.postgresql
@pytest.mark.s3
def test_on_postgresql_and_s3_with_two_processes(tmp_path: Path, postgres: PostgresServer, s3: S3Server) -> None:
    with replicas(tmp_path / "wharf", postgres, s3.bucket(), SETTINGS) as cluster:
        _passes_twice(cluster.host, tmp_path)


def _passes_twice(host: str, folder: Path) -> None:
    for attempt in ("first", "second"):
        reports = folder / attempt
        reports.mkdir()
        repositories = (f"{USERNAME}/conformance/one", f"{USERNAME}/conformance/two")
        results = program.run(host, repositories, (USERNAME, PASSWORD), reports)
        assert [] == results.others, f"{attempt} run:\n" + "\n".join(results.others)
        assert results.passed >= _CHECKS
