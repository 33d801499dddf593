import asyncio
import io
import logging
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from wharf.app import refusals
from wharf.app.asgi import Gateway
from wharf.app.operations import Lifecycle
from wharf.app.refusals import Receive, Scope, Send, Surface
from wharf.config import Networks, ServerConfig
from wharf.telemetry.access_log import AccessLog
from wharf.telemetry.metrics import page
from wharf.telemetry.request_id import request_id


def saying(text: str, seen: list[Scope] | None = None) -> Surface:
    async def surface(scope: Scope, _receive: Receive, send: Send) -> None:
        if seen is not None:
            seen.append(scope)
        scope["wharf.endpoint"] = "hello"
        await refusals.respond(send, scope["method"], 200, text.encode(), b"text/plain")

    return surface


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise ZeroDivisionError("a secret of ours")


async def silent(_scope: Scope, _receive: Receive, _send: Send) -> None:
    return


def client(gateway: Gateway) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=gateway, client=("10.0.0.1", 5))
    return httpx.AsyncClient(transport=transport, base_url="http://registry")


def gateway(surfaces: Mapping[str, Surface], log: AccessLog | None = None, **settings: Any) -> Gateway:
    return Gateway(ServerConfig(**settings), surfaces, log, Lifecycle())


SURFACES = {"": saying("front"), "v2": saying("registry"), "api": saying("rest")}


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "front"),
        ("/v2", 200, "registry"),
        ("/v2/", 200, "registry"),
        ("/v2/a/b/manifests/c", 200, "registry"),
        ("/api/v1/user", 200, "rest"),
        ("/v22/", 404, "there is nothing at this path"),
        ("/metrics", 404, "there is nothing at this path"),
        ("/v1/_ping", 404, "version 1 protocol"),
    ],
)
async def test_the_first_segment_decides(path: str, status: int, text: str) -> None:
    async with client(gateway(SURFACES)) as http:
        answer = await http.get(path)
    assert status == answer.status_code
    assert text in answer.text


async def test_an_answer_carries_the_id_of_its_request() -> None:
    async with client(gateway(SURFACES)) as http:
        mine = await http.get("/v2/", headers={"x-request-id": "trace-0123456789"})
        ours = await http.get("/v2/", headers={"x-request-id": "not sane"})
    assert "trace-0123456789" == mine.headers["x-request-id"]
    assert 21 == len(ours.headers["x-request-id"])


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v2/", {"errors": [{"code": "UNSUPPORTED", "message": refusals.HEADERS_TOO_LARGE.message, "detail": None}]}),
        ("/api/v1", {"status": 431, "error_message": refusals.HEADERS_TOO_LARGE.message}),
    ],
)
async def test_oversize_headers_are_refused_in_the_words_of_the_surface(path: str, fields: dict[str, Any]) -> None:
    async with client(gateway(SURFACES, max_header_bytes=2000)) as http:
        answer = await http.get(path, headers={"cookie": "x" * 2000})
    assert 431 == answer.status_code
    assert "application/json" == answer.headers["content-type"]
    assert fields.items() <= answer.json().items()


async def test_a_long_path_counts_as_header() -> None:
    async with client(gateway(SURFACES, max_header_bytes=2000)) as http:
        assert 431 == (await http.get("/v2/?" + "x" * 2000)).status_code
        assert 431 == (await http.get("/v2/" + "x" * 2000)).status_code


async def test_overload_is_told_and_passes() -> None:
    arrived, leave = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, _receive: Receive, send: Send) -> None:
        arrived.set()
        await leave.wait()
        await refusals.respond(send, scope["method"], 200, b"", b"text/plain")

    door = gateway({"v2": slow, "health": saying("fine")}, max_concurrent_requests=1, retry_after_seconds=7)
    async with client(door) as http:
        first = asyncio.create_task(http.get("/v2/"))
        await arrived.wait()
        refused = await http.get("/v2/")
        assert 200 == (await http.get("/health/live")).status_code
        leave.set()
        assert 200 == (await first).status_code
        assert 200 == (await http.get("/v2/")).status_code
    assert 503 == refused.status_code
    assert "7" == refused.headers["retry-after"]
    assert "TOOMANYREQUESTS" == refused.json()["errors"][0]["code"]
    assert 0 == door.in_flight


@pytest.mark.parametrize("surface", [broken, silent])
async def test_a_bug_is_logged_and_not_told(surface: Surface, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        async with client(gateway({"v2": surface})) as http:
            answer = await http.get("/v2/")
    assert 500 == answer.status_code
    assert "UNKNOWN" == answer.json()["errors"][0]["code"]
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (record,) = caplog.records
    assert record.exc_info is not None


async def test_an_answer_that_breaks_off_is_left_to_the_server_to_cut() -> None:
    async def breaks(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ConnectionResetError

    door = gateway({"v2": breaks})
    async with client(door) as http:
        with pytest.raises(ConnectionResetError):
            await http.get("/v2/")
    assert 0 == door.in_flight


async def test_head_has_no_body() -> None:
    async with client(gateway(SURFACES)) as http:
        answer = await http.head("/nowhere")
    assert (404, b"") == (answer.status_code, answer.content)
    assert int(answer.headers["content-length"]) > 0


async def test_every_answer_is_counted_and_logged() -> None:
    stream = io.StringIO()
    log = AccessLog(console=True, stream=stream)
    async with client(gateway(SURFACES, log)) as http:
        await http.get("/api/counted")
    log.flush()
    assert " 200 GET    /api/counted " in stream.getvalue()
    line = 'wharf_http_requests_total{method="GET",route="hello",status="200",surface="api"}'
    assert line in page().decode()


async def test_log_lines_of_a_request_know_its_id() -> None:
    seen: list[str] = []

    async def surface(scope: Scope, _receive: Receive, send: Send) -> None:
        seen.append(request_id.get())
        await refusals.respond(send, scope["method"], 200, b"", b"text/plain")

    async with client(gateway({"v2": surface})) as http:
        answer = await http.get("/v2/")
    assert [answer.headers["x-request-id"]] == seen


async def test_only_a_trusted_proxy_may_speak_for_the_client() -> None:
    seen: list[Scope] = []
    headers = {"x-forwarded-for": "192.0.2.7", "x-forwarded-proto": "https", "x-forwarded-host": "registry.example"}
    for trusted in ("10.0.0.0/8", "172.16.0.0/12"):
        door = gateway({"v2": saying("", seen)}, trusted_proxies=Networks.parse(trusted))
        async with client(door) as http:
            await http.get("/v2/", headers=headers)
    believed, not_believed = seen
    assert ("192.0.2.7", "https") == (believed["client"][0], believed["scheme"])
    assert b"registry.example" == dict(believed["headers"])[b"host"]
    assert ("10.0.0.1", "http") == (not_believed["client"][0], not_believed["scheme"])
