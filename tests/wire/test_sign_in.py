"""Ping, challenges and what credentials are accepted (registry-protocol B.1)."""

import base64

import pytest

from tests.world import Account, Client, World
from tests.world.world import PASSWORD
from wharf.access.grants import Role
from wharf.accounts import users
from wharf.content import sharing
from wharf.content.repositories import Repository

PUSHING = {"realm": "http://registry.test/v2/auth", "service": "registry.test", "scope": "repository:ada/app:pull,push"}


def _basic(username: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


@pytest.mark.parametrize("path", ["/v2/", "/v2"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_ping_asks_everybody_to_sign_in(world: World, method: str, path: str) -> None:
    response = await world.client().send(method, path)
    assert 401 == response.status
    assert "registry/2.0" == response.headers["docker-distribution-api-version"]
    assert {"realm": "http://registry.test/v2/auth", "service": "registry.test"} == response.challenge


async def test_ping_answers_those_who_did(world: World, client: Client) -> None:
    response = await client.get("/v2/")
    assert (200, {}) == (response.status, response.json)
    assert "registry/2.0" == response.headers["docker-distribution-api-version"]
    assert 200 == (await client.send("GET", "/v2/", headers=client.basic)).status


async def test_ping_with_an_anonymous_token_is_fine(world: World) -> None:
    assert 200 == (await world.client().get("/v2/")).status


@pytest.mark.parametrize(
    "headers",
    [
        _basic("ada", "wrong"),
        _basic("nobody", PASSWORD),
        _basic("ada+robot", PASSWORD),
        _basic("ada", ""),
        _basic("a\0da", PASSWORD),
        {"authorization": "Basic !!!"},
        {"authorization": "Basic " + base64.b64encode(b"\xff\xfe").decode()},
        {"authorization": "Basic"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer a.b.c"},
        {"authorization": "Bearer " + "x" * 20_000},
        {"authorization": "Negotiate abc"},
        {"authorization": ""},
        {"authorization": "é"},
    ],
)
async def test_wrong_credentials_are_refused_even_where_none_are_needed(
    world: World, ada: Account, headers: dict[str, str]
) -> None:
    await world.repository("ada/open", by=ada, public=True)
    for path in ("/v2/", "/v2/ada/open/tags/list", "/v2/_catalog"):
        response = await world.client().send("GET", path, headers=headers)
        assert 401 == response.status
        assert ["UNAUTHORIZED"] == response.codes
        assert response.challenge["error"] in {"invalid_token", "invalid_request"}


async def test_basic_credentials_work_on_every_endpoint(
    world: World, ada: Account, client: Client, repository: Repository
) -> None:
    response = await client.send("GET", "/v2/ada/app/tags/list", headers=client.basic)
    assert 200 == response.status


async def test_a_robots_name_has_a_plus_and_a_password_may_have_colons(
    world: World, ada: Account, repository: Repository
) -> None:
    assert ":" in PASSWORD
    robot = await world.robot("ada")
    await world.grant(repository, Role.READ, robot)
    client = world.client(robot)
    assert "+" in robot.name
    assert 200 == (await client.get("/v2/ada/app/tags/list")).status
    assert 200 == (await client.send("GET", "/v2/ada/app/tags/list", headers=client.basic)).status


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/ada/app/tags/list", "repository:ada/app:pull"),
        ("HEAD", "/v2/ada/app/manifests/latest", "repository:ada/app:pull"),
        ("GET", "/v2/ada/app/blobs/sha256:" + "a" * 64, "repository:ada/app:pull"),
        ("GET", "/v2/ada/app/referrers/sha256:" + "a" * 64, "repository:ada/app:pull"),
        ("POST", "/v2/ada/app/blobs/uploads/", "repository:ada/app:pull,push"),
        ("PATCH", "/v2/ada/app/blobs/uploads/" + "0" * 32, "repository:ada/app:pull,push"),
        ("PUT", "/v2/ada/app/manifests/latest", "repository:ada/app:pull,push"),
        ("DELETE", "/v2/ada/app/blobs/uploads/" + "0" * 32, "repository:ada/app:pull,push"),
        ("DELETE", "/v2/ada/app/manifests/latest", "repository:ada/app:delete"),
        ("DELETE", "/v2/ada/app/blobs/sha256:" + "a" * 64, "repository:ada/app:delete"),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
    ],
)
async def test_a_challenge_names_the_scope_that_is_needed(
    world: World, repository: Repository, method: str, path: str, scope: str
) -> None:
    response = await world.client().send(method, path)
    assert 401 == response.status
    assert scope == response.challenge["scope"]
    assert "error" not in response.challenge


async def test_private_and_absent_repositories_look_the_same_to_strangers(world: World, repository: Repository) -> None:
    eve = world.client(await world.user("eve"))
    for client in (world.client(), eve):
        for path in ("tags/list", "manifests/latest", "blobs/sha256:" + "a" * 64, "referrers/sha256:" + "a" * 64):
            private = await client.get(f"/v2/ada/app/{path}")
            absent = await client.get(f"/v2/ada/not/{path}")
            assert private.status == absent.status
            assert private.body.replace(b"ada/app", b"ada/not") == absent.body
        private = await client.post("/v2/ada/app/blobs/uploads/")
        absent = await client.post("/v2/ada/not/blobs/uploads/")
        assert (private.status, private.codes) == (absent.status, absent.codes)


async def test_who_signed_in_but_may_not_is_denied(world: World, repository: Repository) -> None:
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    client = world.client(eve)
    assert 200 == (await client.get("/v2/ada/app/tags/list")).status
    response = await client.post("/v2/ada/app/blobs/uploads/")
    assert (403, ["DENIED"]) == (response.status, response.codes)


async def test_a_token_does_not_reach_further_than_its_scope(
    world: World, client: Client, repository: Repository
) -> None:
    token = await client.token({**PUSHING, "scope": "repository:ada/app:pull"})
    assert 200 == (await client.send("GET", "/v2/ada/app/tags/list", token=token)).status
    response = await client.send("POST", "/v2/ada/app/blobs/uploads/", token=token)
    assert 401 == response.status
    assert {**PUSHING, "error": "insufficient_scope"} == response.challenge


async def test_an_anonymous_token_that_is_not_enough_asks_for_a_better_one(
    world: World, repository: Repository
) -> None:
    nobody = world.client()
    token = await nobody.token(PUSHING)
    response = await nobody.send("GET", "/v2/ada/app/tags/list", token=token)
    assert 401 == response.status
    assert "insufficient_scope" == response.challenge["error"]


async def test_an_expired_token_is_told_so(world: World, client: Client, repository: Repository) -> None:
    token = await client.token(PUSHING)
    world.pass_time(seconds=world.config.token_lifetime_seconds + 1)
    response = await client.send("GET", "/v2/ada/app/tags/list", token=token)
    assert 401 == response.status
    assert "invalid_token" == response.challenge["error"]


async def test_what_is_taken_away_is_gone_while_the_token_lives(world: World, repository: Repository) -> None:
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    client = world.client(eve)
    assert 200 == (await client.get("/v2/ada/app/tags/list")).status
    async with world.database.write() as tx:
        await sharing.revoke(tx, repository, eve.principal, by=eve.principal, at=world.now)
    assert 404 == (await client.get("/v2/ada/app/tags/list")).status
    await world.grant(repository, Role.READ, eve)
    assert 200 == (await client.get("/v2/ada/app/tags/list")).status
    async with world.database.write() as tx:
        await users.disable(tx, await users.get(tx, "eve"))
    assert 404 == (await client.get("/v2/ada/app/tags/list")).status


async def test_public_repositories_need_no_credentials_unless_configured(world: World, ada: Account) -> None:
    repository = await world.repository("ada/open", by=ada, public=True)
    await world.push_image(repository, "latest", by=ada)
    assert 200 == (await world.client().send("GET", "/v2/ada/open/manifests/latest")).status
    closed = world.client(application=world.surface(anonymous_access=False))
    assert 401 == (await closed.send("GET", "/v2/ada/open/manifests/latest")).status


@pytest.mark.parametrize(
    ("host", "public_url", "realm"),
    [
        ("registry.test:5000", None, "http://registry.test:5000/v2/auth"),
        ("10.0.0.7", "https://registry.example.com", "https://registry.example.com/v2/auth"),
        ('evil"\\', None, "http://evil%22%5C/v2/auth"),
        ("é", None, "http://%C3%A9/v2/auth"),
    ],
)
async def test_the_realm_is_the_public_url_or_else_what_the_client_called_us(
    world: World, host: str, public_url: str | None, realm: str
) -> None:
    client = world.client(application=world.surface(public_url=public_url))
    response = await client.send("GET", "/v2/", headers={"host": host})
    assert realm == response.challenge["realm"]


async def test_too_many_wrong_passwords_are_slowed_down(world: World, ada: Account, client: Client) -> None:
    statuses = [(await client.send("GET", "/v2/", headers=_basic("ada", "wrong"))).status for _ in range(8)]
    assert 429 == statuses[-1]
    response = await client.send("GET", "/v2/", headers=_basic("ada", "wrong"))
    assert ["TOOMANYREQUESTS"] == response.codes
    assert int(response.headers["retry-after"]) > 0
