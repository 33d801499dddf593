"""The audit trail over the REST API: who may read what, in Quay's words."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import orjson
import pytest

from tests.world.api import BASE, Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.api import log_kinds
from wharf.audit import kinds
from wharf.audit.record import recorders
from wharf.audit.trail import Trail
from wharf.content.repositories import Repository
from wharf.events.catalog import EVENTS
from wharf.events.publish import connect
from wharf.telemetry import request

DAYS = {"starttime": "01/01/2000", "endtime": "12/31/2099"}


@pytest.fixture(autouse=True)
def recorded() -> Iterator[None]:
    connect({}, recorders())
    yield
    connect({})


@pytest.fixture
async def root(world: World) -> Account:
    return await world.user("root", superuser=True)


async def logs(client: httpx.AsyncClient, path: str, **parameters: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/{path}/logs", params={**DAYS, **parameters})
    assert 200 == answer.status_code, answer.text
    found: list[dict[str, Any]] = answer.json()["logs"]
    return found


async def test_a_repository_tells_its_administrators_what_happened(
    api: Api, world: World, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    client = await api.bearer(ada, ApiScope.REPO_ADMIN)
    answer = (await client.get("/api/v1/repository/ada/app/logs", params=DAYS)).json()
    assert {"start_time", "end_time", "logs"} == answer.keys()
    pushed, created_tag, created = answer["logs"]
    assert ["push_repo", "create_tag", "create_repo"] == [each["kind"] for each in (pushed, created_tag, created)]
    assert {"kind", "metadata", "ip", "datetime", "performer"} == pushed.keys()
    assert {"namespace": "ada", "repo": "app", "tag": "latest", "manifest_digest": digest}.items() <= pushed[
        "metadata"
    ].items()
    assert {"kind": "user", "name": "ada", "is_robot": False}.items() <= pushed["performer"].items()
    assert {"name", "hash", "color", "kind"} == pushed["performer"]["avatar"].keys()
    assert pushed["datetime"].endswith(" -0000")


async def test_only_its_administrators(api: Api, world: World, repository: Repository, http: httpx.AsyncClient) -> None:
    writer, stranger = await world.user("writer"), await world.user("stranger")
    await world.grant(repository, Role.WRITE, writer)
    for path in ("logs", "aggregatelogs", "logs/stream"):
        url = f"/api/v1/repository/ada/app/{path}"
        statuses = [(await (await api.bearer(who)).get(url)).status_code for who in (writer, stranger)]
        assert [403, 404] == statuses
        assert 401 == (await http.get(url)).status_code


async def test_an_organization_is_read_by_its_owners(api: Api, world: World, ada: Account, root: Account) -> None:
    organization = await world.organization("acme", by=ada)
    member = await world.user("eve")
    await world.team(organization, "developers", TeamRole.MEMBER, member)
    await world.repository("acme/app", by=ada)
    for who in (ada, root):
        assert "create_repo" == (await logs(await api.bearer(who), "organization/acme"))[0]["kind"]
    eve = await api.bearer(member)
    assert 403 == (await eve.get("/api/v1/organization/acme/logs")).status_code
    assert 404 == (await eve.get("/api/v1/organization/ada/logs")).status_code


async def test_a_user_reads_of_its_own_namespace_and_a_superuser_of_all(
    api: Api, world: World, ada: Account, root: Account, repository: Repository
) -> None:
    await world.organization("acme", by=ada)
    await world.repository("acme/app", by=ada)
    assert {"app"} == {each["metadata"].get("repo") for each in await logs(await api.bearer(ada), "user")} - {None}
    everything = await logs(await api.bearer(root), "superuser")
    assert {"ada": "user", "acme": "org"}.items() <= {
        each["namespace"]["name"]: each["namespace"]["kind"] for each in everything if "namespace" in each
    }.items()
    assert [] == await logs(await api.bearer(root), "superuser", performer="eve")
    assert 403 == (await (await api.bearer(ada)).get("/api/v1/superuser/logs")).status_code


async def test_pages(api: Api, world: World, ada: Account) -> None:
    for number in range(5):
        await world.repository(f"ada/app{number}", by=ada)
    client = await api.bearer(ada)
    seen, token = [], None
    while True:
        parameters = {**DAYS, "limit": "2", **({"next_page": token} if token else {})}
        answer = (await client.get("/api/v1/user/logs", params=parameters)).json()
        seen += [each["metadata"]["repo"] for each in answer["logs"] if "repo" in each["metadata"]]
        token = answer.get("next_page")
        if not token:
            break
    assert [f"app{number}" for number in range(4, -1, -1)] == seen


async def test_counts_by_day(api: Api, world: World, ada: Account) -> None:
    for number in range(3):
        await world.repository(f"ada/app{number}", by=ada)
    client = await api.bearer(ada)
    answer = (await client.get("/api/v1/user/aggregatelogs")).json()
    (created,) = [each for each in answer["aggregated"] if each["kind"] == "create_repo"]
    assert 3 == created["count"]
    assert created["datetime"].endswith("00:00:00 -0000")
    assert 400 == (await client.get("/api/v1/user/aggregatelogs", params=DAYS)).status_code


async def test_a_stream_is_in_our_own_words(api: Api, world: World, ada: Account, repository: Repository) -> None:
    await world.push_image(repository, "latest", by=ada)
    client = await api.bearer(ada)
    answer = await client.get("/api/v1/repository/ada/app/logs/stream", params=DAYS)
    assert "application/jsonl" == answer.headers["content-type"].partition(";")[0]
    lines = [orjson.loads(line) for line in answer.content.splitlines()]
    assert ["manifest_pushed", "tag_created", "repository_created"] == [line["kind"] for line in lines]


@pytest.mark.parametrize("time", ["yesterday", "13/13/2026", "2026-99-01", ""])
async def test_a_time_that_is_none(api: Api, ada: Account, time: str) -> None:
    answer = await (await api.bearer(ada)).get("/api/v1/user/logs", params={"starttime": time})
    assert (200 if time == "" else 400) == answer.status_code


async def test_the_last_day_is_included(api: Api, world: World, ada: Account, repository: Repository) -> None:
    today = f"{world.clock():%m/%d/%Y}"
    assert await logs(await api.bearer(ada), "user", starttime=today, endtime=today)


async def test_what_nobody_in_particular_did_has_no_performer(api: Api, world: World, ada: Account) -> None:
    trail = Trail(world.database, clock=world.clock)
    trail.sign_in_failed("ada", to="registry", reason="invalid")
    await trail.close()
    (failed,) = [each for each in await logs(await api.bearer(ada), "user") if each["kind"] == "login_failure"]
    assert "performer" not in failed
    assert "ada" == failed["metadata"]["username"]


def test_what_has_a_name_of_quays_is_a_kind() -> None:
    assert log_kinds.TOLD.keys() <= EVENTS.keys() | kinds.KINDS


async def test_what_is_denied_here_is_told_to_the_owner(
    api: Api, world: World, ada: Account, repository: Repository
) -> None:
    trail = Trail(world.database, clock=world.clock)
    api.application.state.parts = replace(api.application.state.parts, trail=trail)
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    client = await api.bearer(eve)
    for path in ("repository/ada/app/logs", "repository/ada/absent/logs", "user/logs"):
        await client.get(f"/api/v1/{path}")
    await trail.close()
    (denied,) = [each for each in await logs(await api.bearer(ada), "user") if each["kind"] == kinds.ACTION_DENIED]
    assert ("eve", "app", "admin") == (
        denied["performer"]["name"],
        denied["metadata"]["repo"],
        denied["metadata"]["action"],
    )


async def test_the_token_that_somebody_acted_with_is_named(api: Api, world: World, ada: Account) -> None:
    client = await api.bearer(ada)

    async def front(scope: Any, receive: Any, send: Any) -> None:
        request.scope.set(scope)  # as the front door does
        await api.application(scope, receive, send)

    transport = httpx.ASGITransport(app=front)
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=client.headers) as program:
        body = {"repository": "app", "namespace": "ada", "visibility": "private", "description": ""}
        assert 201 == (await program.post("/api/v1/repository", json=body)).status_code
    (created,) = [each for each in await logs(client, "user") if each["kind"] == "create_repo"]
    assert created["metadata"]["credential"].startswith("access token ")
