"""Nonsense of every kind, at every operation, as everybody: never an answer that is our fault."""

import re
from typing import Any

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World

PLACES = (
    "ada",
    "acme",
    "ada/app",
    "nobody",
    "x" * 300,
    "%C3%A9%F0%9F%A6%80",
    "..%2F..",
    "%2B%24'--",
    "a%0Ab",
    "%ED%A0%80",
)
BODIES = (
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"null",
    b"{}",
    b'{"name": {"a": []}, "username": 7, "password": [], "title": null, "scope": {}, "email": 1e400}',
    b'{"name": "\\ud800", "title": "\\u0000", "password": "\\u0000"}',
    b'{"name": "' + b"x" * 5000 + b'", "title": "' + b"x" * 5000 + b'", "role": "' + b"x" * 5000 + b'"}',
    b"[" * 10_000,
    b"\xff\xfe",
)
QUERIES = ("", "?limit=-1&page=-1&next_page=%FF", "?limit=99999999999999999999&page=x&next_page=AAAA", "?x=%00")


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "user", "superuser"])
async def test_no_answer_is_a_bug(api: Api, world: World, ada: Account, who: str) -> None:
    await world.organization("acme", by=ada)
    await world.repository("ada/app", by=ada)
    root = await world.user("root", superuser=True)
    client = {"nobody": api.client(), "user": await api.bearer(ada), "superuser": await api.bearer(root)}[who]
    document = (await client.get("/api/v1/openapi.json")).json()
    for path, operations in document["paths"].items():
        for method in operations:
            if (method, path) not in {("delete", "/api/v1/user/"), ("post", "/api/v1/signin")}:
                await _try(client, method, path)


async def _try(client: httpx.AsyncClient, method: str, path: str) -> None:
    for number, place in enumerate(PLACES):
        url = re.sub(r"\{[^}]+\}", place, path) + QUERIES[number % len(QUERIES)]
        for body in BODIES if method in {"post", "put", "patch"} and number < 2 else BODIES[number % len(BODIES) :][:1]:
            answer = await client.request(method, url, content=body, headers={"content-type": "application/json"})
            assert answer.status_code < 500, (method, url, body[:80], answer.text[:300])
            _check(answer)
            if "{" not in path and method not in {"post", "put", "patch"}:
                return


def _check(answer: httpx.Response) -> None:
    if answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
        failure: Any = answer.json()
        assert "message" in failure or "detail" in failure
