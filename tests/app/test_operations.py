import asyncio

import httpx
import pytest

from wharf.app.operations import Health, Lifecycle, Metrics, front
from wharf.app.refusals import Surface


class Part:
    """A database or a storage that can be told to fail."""

    def __init__(self) -> None:
        self.failing = False
        self.asked = 0

    async def check(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.failing:
            raise ConnectionError("the password is hunter2")


def client(surface: Surface) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=surface), base_url="http://registry.example")


def health(database: Part, storage: Part, lifecycle: Lifecycle | None = None) -> Health:
    return Health(database, storage, lifecycle or Lifecycle())  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health/instance", "/health/endtoend"])
async def test_all_is_well(path: str) -> None:
    async with client(health(Part(), Part())) as http:
        assert 200 == (await http.get(path)).status_code


async def test_quay_shape() -> None:
    async with client(health(Part(), Part())) as http:
        answer = await http.get("/health/endtoend")
    assert {"data": {"services": {"database": True, "storage": True}}, "status_code": 200} == answer.json()


@pytest.mark.parametrize("path", ["/health/ready", "/health/instance", "/health/endtoend"])
async def test_a_part_that_fails_is_named_and_not_quoted(path: str) -> None:
    storage = Part()
    storage.failing = True
    async with client(health(Part(), storage)) as http:
        answer = await http.get(path)
        alive = await http.get("/health/live")
    assert (503, 200) == (answer.status_code, alive.status_code)
    document = answer.json()
    services = document.get("services") or document["data"]["services"]
    assert (True, False) == (services["database"], services["storage"])
    assert "hunter2" not in answer.text


async def test_a_process_that_is_about_to_end_is_not_ready_but_well() -> None:
    lifecycle = Lifecycle(draining=True)
    async with client(health(Part(), Part(), lifecycle)) as http:
        assert 503 == (await http.get("/health/ready")).status_code
        assert 200 == (await http.get("/health/instance")).status_code
        assert 200 == (await http.get("/health/live")).status_code


async def test_many_questions_are_one_check() -> None:
    database = Part()
    async with client(health(database, Part())) as http:
        answers = await asyncio.gather(*(http.get("/health/ready") for _ in range(20)))
        await http.get("/health/ready")
    assert {200} == {answer.status_code for answer in answers}
    assert 1 == database.asked


async def test_unknown_health_is_not_found() -> None:
    async with client(health(Part(), Part())) as http:
        assert 404 == (await http.get("/health/nope")).status_code


async def test_metrics_are_refreshed_and_can_be_kept_from_strangers() -> None:
    refreshed = 0

    async def refresh() -> None:
        nonlocal refreshed
        refreshed += 1

    async with client(Metrics("", refresh)) as http:
        answer = await http.get("/metrics")
        assert 404 == (await http.get("/metrics/x")).status_code
    assert (200, 1) == (answer.status_code, refreshed)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    async with client(Metrics("t0ken", refresh)) as http:
        assert 401 == (await http.get("/metrics")).status_code
        assert 401 == (await http.get("/metrics", headers={"authorization": "Bearer other"})).status_code
        assert 200 == (await http.get("/metrics", headers={"authorization": "Bearer t0ken"})).status_code
    assert 2 == refreshed


async def test_the_front_page_says_how_to_sign_in() -> None:
    async with client(front) as http:
        answer = await http.get("/", headers={"accept": "text/html"})
    assert "docker login registry.example" in answer.text
    assert "nosniff" == answer.headers["x-content-type-options"]
