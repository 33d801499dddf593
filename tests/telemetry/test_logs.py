import io
import json
import logging
from collections.abc import Iterator

import pytest

from wharf.telemetry import logs
from wharf.telemetry.access_log import AccessLog
from wharf.telemetry.request_id import request_id, take

HEADERS = [(b"host", b"x"), (b"user-agent", b"docker/28")]


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_is_one_json_object_with_its_facts_and_request() -> None:
    stream = io.StringIO()
    logs.configure(level="info", console=False, stream=stream)
    token = request_id.set("abc-1")
    try:
        logging.getLogger("wharf.content.gc").warning("blob is missing", extra={"digest": "sha256:00", "count": 2})
    finally:
        request_id.reset(token)
    logging.getLogger("wharf.content.gc").debug("not printed")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "message": "blob is missing",
        "level": "warning",
        "logger": "wharf.content.gc",
        "digest": "sha256:00",
        "count": 2,
        "request_id": "abc-1",
    }


def test_a_traceback_stays_on_its_line() -> None:
    stream = io.StringIO()
    logs.configure(level="info", console=False, stream=stream)
    try:
        int("why")
    except ValueError:
        logging.getLogger("wharf").exception("request failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_a_person_reads_plain_lines() -> None:
    stream = io.StringIO()
    logs.configure(level="info", console=True, stream=stream)
    logging.getLogger("wharf").info("registry ready", extra={"url": "http://x"})
    assert "registry ready" in stream.getvalue()
    assert "url=http://x" in stream.getvalue()


@pytest.mark.parametrize("inbound", [b"7f3a-00000001", b"Root=1-67891233-abcdef012345678912345678"])
def test_a_harmless_request_id_is_kept(inbound: bytes) -> None:
    assert inbound.decode() == take(inbound)


@pytest.mark.parametrize("inbound", [None, b"", b"short", b"x" * 129, b"with space", b'quo"quote', b"new\nline1"])
def test_any_other_is_replaced_by_one_of_ours(inbound: bytes | None) -> None:
    first, second = take(inbound), take(inbound)
    assert first != second
    assert len(first) == len(second) == 21


async def test_visits_are_written_in_batches() -> None:
    stream = io.StringIO()
    log = AccessLog(console=False, stream=stream, now=lambda: 0.0)
    log.add("GET", "/v2/", 200, 0.0015, "id-1", "10.0.0.1", HEADERS)
    log.add("PUT", "/v2/a\x1b[31m\nforged", 201, 0.1, "id-2", None, [])
    assert not stream.getvalue()
    log.flush()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {
        "level": "info",
        "message": "request answered",
        "timestamp": "1970-01-01T00:00:00Z",
        "method": "GET",
        "path": "/v2/",
        "status": 200,
        "milliseconds": 1.5,
        "request_id": "id-1",
        "client": "10.0.0.1",
        "user_agent": "docker/28",
    }
    assert (second["status"], second["user_agent"]) == (201, None)


async def test_a_path_cannot_write_lines_of_its_own() -> None:
    stream = io.StringIO()
    log = AccessLog(console=True, stream=stream)
    log.add("GET", "/v2/a\x1b[31m\nforged", 404, 0.1, "id-2", None, [])
    log.flush()
    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


async def test_a_full_batch_does_not_wait() -> None:
    stream = io.StringIO()
    log = AccessLog(console=True, stream=stream)
    for _ in range(5000):
        log.add("GET", "/", 200, 0.1, "id", None, [])
    assert stream.getvalue().count("\n") == 5000
