"""The load generator against a registry of a few lines that asks for tokens."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench import load, toolchain
from bench.servers import Server

pytestmark = pytest.mark.slow


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/token"):
            assert self.headers["Authorization"].startswith("Basic ")
            self._answer(200, json.dumps({"token": "secret"}).encode())
        elif self.headers["Authorization"] != "Bearer secret":
            realm = f"http://{self.headers['Host']}/token"
            challenge = f'Bearer realm="{realm}",service="s",scope="repository:bench/app:pull"'
            self._answer(401, b"{}", ("WWW-Authenticate", challenge))
        elif "absent" in self.path:
            self._answer(404, b"{}")
        else:
            self._answer(200, b"x" * 10)

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Stub(Server):
    name = label = "stub"
    user, password = "bench", "secret"

    def command(self) -> tuple[list[str], dict[str, str]]:
        return [], {}

    def cpu_seconds(self) -> float:
        return 0.0


@pytest.fixture
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    try:
        toolchain.loadgen()
    except toolchain.ToolMissing as error:
        pytest.skip(str(error))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stub = Stub(tmp_path_factory.getbasetemp())
        stub.address = f"127.0.0.1:{server.server_port}"
        yield stub
        server.shutdown()
        thread.join()


def _plan(**more: object) -> dict[str, object]:
    step = {"method": "GET", "path": "/v2/bench/app/manifests/v1", "status": 200, "bytes": 10}
    return {"kind": "requests", "steps": [step], "clients": 2, "seconds": 20, "operations": 40, "warm": 1} | more


def test_it_signs_in_once_per_client_and_counts_what_it_was_told(stub: Stub) -> None:
    with load.Load(stub, _plan()) as running:
        running.wait_until_warm()
        running.go()
        result = running.result()
    assert len(result["latencies_us"]) == 40
    assert result["bytes"] == 400
    assert result["errors"] == 0
    assert result["logins"] == 2


def test_a_wrong_answer_is_an_error_and_never_an_operation(stub: Stub) -> None:
    step = {"method": "GET", "path": "/v2/bench/app/manifests/absent", "status": 200, "bytes": 10}
    got = load.measure(stub, _plan(steps=[step], warm=0))
    assert (got.operations, got.errors) == (0, 40)
    assert "status 404" in got.first_error


def test_it_refuses_any_address_but_this_machine(stub: Stub) -> None:
    stub.address = "192.0.2.1:80"
    with load.Load(stub, _plan()) as running, pytest.raises(load.LoadFailed, match="not an address of this machine"):
        running.wait_until_warm()
