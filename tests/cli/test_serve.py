"""`wharf serve` as a process: what an operator sees, and how it ends."""

import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.servers.wharf import WHARF, Wharf

pytestmark = pytest.mark.slow


def test_a_fresh_start_tells_how_to_create_the_first_user(tmp_path: Path) -> None:
    with Wharf(tmp_path) as wharf, httpx.Client(base_url=wharf.base_url) as http:
        # The token is printed right after the line that says ready.
        while (told := re.search(r"X-Setup-Token: (\S+)'", wharf.log.read_text())) is None:
            assert http.get("/health/live").is_success
        body = {"username": "ada", "password": "correct horse"}
        created = http.post("/api/v1/user/initialize", json=body, headers={"x-setup-token": told[1]})
        assert 200 == created.status_code
        assert 200 == http.get("/v2/", auth=("ada", "correct horse")).status_code
    log = wharf.log.read_text()
    assert f"Wharf is ready at {wharf.base_url}" in log
    assert '"message":"request answered"' in log
    assert "Traceback" not in log


def test_a_second_server_on_the_port_is_told_and_ends(tmp_path: Path) -> None:
    with Wharf(tmp_path) as wharf:
        other = subprocess.run(
            [WHARF, "serve", "--port", str(wharf.port), "--data", tmp_path / "other"],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert 1 == other.returncode
    assert f"wharf: cannot listen on 127.0.0.1:{wharf.port}" in other.stderr
    assert "Traceback" not in other.stderr


def test_data_and_accounts_survive_every_kind_of_end(tmp_path: Path) -> None:
    wharf = Wharf(tmp_path).start()
    created = subprocess.run(
        [WHARF, "user", "create", "ada", "--password-stdin", "--data", tmp_path / "data"],
        input="correct horse",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "superuser ada" in created.stdout
    for end in (wharf.kill, wharf.stop):
        with httpx.Client(base_url=wharf.base_url) as http:
            assert 200 == http.get("/v2/", auth=("ada", "correct horse")).status_code
        end()
        wharf.start()
    wharf.stop()
    assert wharf.log.read_text().count("Wharf is ready") == 3
    assert wharf.log.read_text().count("There is no user yet") == 1


def test_a_worker_runs_apart(tmp_path: Path) -> None:
    with Wharf(tmp_path, {"jobs.embedded": "false"}):
        worker = subprocess.Popen(
            [WHARF, "worker", "--data", tmp_path / "data"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert worker.stdout is not None
        lines = iter(worker.stdout.readline, "")
        assert any("Wharf's worker is ready" in line for line in lines)
        worker.terminate()
        assert 0 == worker.wait()
        worker.stdout.close()
