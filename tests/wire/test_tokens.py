"""The token service, `/v2/auth` (registry-protocol B.1)."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.world import Account, Client, Response, World
from tests.world.world import PASSWORD
from wharf.access.grants import Role
from wharf.content.repositories import Repository


async def _ask(client: Client, *scopes: str, **options: Any) -> Response:
    query = urlencode({"service": "registry.test", "scope": list(scopes)}, doseq=True)
    return await client.send("GET", f"/v2/auth?{query}", headers=options.get("headers", client.basic))


async def _post(client: Client, **fields: str | list[str]) -> Response:
    body = urlencode(fields, doseq=True).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return await client.send("POST", "/v2/auth", body=body, headers=headers)


def _granted(response: Response) -> set[str]:
    assert 200 == response.status, response
    return set(response.json["scope"].split())


async def test_the_reply_has_what_every_client_looks_for(world: World, client: Client, repository: Repository) -> None:
    response = await _ask(client, "repository:ada/app:pull")
    reply = response.json
    assert reply["token"] == reply["access_token"]
    assert reply["expires_in"] >= 60
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", reply["issued_at"])
    assert "application/json" == response.headers["content-type"]
    assert "no-store" == response.headers["cache-control"]
    assert len(response.body) < 64 * 1024


async def test_scopes_may_be_repeated_or_separated_by_spaces(world: World, ada: Account, client: Client) -> None:
    for name in ("ada/a", "ada/b", "ada/c"):
        await world.repository(name, by=ada)
    response = await _ask(client, "repository:ada/a:pull", "repository:ada/b:pull,push repository:ada/c:delete")
    assert {"repository:ada/a:pull", "repository:ada/b:pull,push", "repository:ada/c:delete"} == _granted(response)


async def test_what_is_not_allowed_is_left_out_and_the_rest_is_granted(
    world: World, ada: Account, repository: Repository
) -> None:
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    response = await _ask(world.client(eve), "repository:ada/app:pull,push", "repository:ada/other:pull", "nonsense")
    assert {"repository:ada/app:pull"} == _granted(response)


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("repository:ada/app:*", {"repository:ada/app:delete,pull,push"}),
        ("repository:ada/new:pull,push", {"repository:ada/new:pull,push"}),
        ("repository:eve/new:pull,push", set()),
        ("repository:nobody/new:pull,push", set()),
        ("repository(plugin):ada/app:pull", {"repository(plugin):ada/app:pull"}),
        ("registry:catalog:*", {"registry:catalog:*"}),
        ("registry:other:*", set()),
        ("repository:ada/app:pull,fly", {"repository:ada/app:pull"}),
        ("repository:ada/app:", set()),
        ("repository:UPPER:pull", set()),
        ("repository:registry.test:5000/ada/app:pull", set()),
        ("", set()),
    ],
)
async def test_grants(world: World, client: Client, repository: Repository, scope: str, granted: set[str]) -> None:
    await world.user("eve")
    assert granted == _granted(await _ask(client, scope))


async def test_a_short_name_means_the_library(world: World, client: Client) -> None:
    root = await world.user("root", superuser=True)
    await world.organization("library", by=root)
    assert {"repository:library/alpine:pull,push"} == _granted(
        await _ask(world.client(root), "repository:alpine:pull,push")
    )


async def test_nothing_is_granted_on_absent_repositories_that_a_push_may_not_create(world: World, ada: Account) -> None:
    client = world.client(ada, application=world.surface(create_on_push=False))
    assert set() == _granted(await _ask(client, "repository:ada/new:pull,push"))


async def test_anonymous_tokens_are_for_public_repositories(world: World, ada: Account, repository: Repository) -> None:
    await world.repository("ada/open", by=ada, public=True)
    nobody = world.client()
    response = await _ask(nobody, "repository:ada/open:pull,push", "repository:ada/app:pull")
    assert {"repository:ada/open:pull"} == _granted(response)
    closed = world.client(application=world.surface(anonymous_access=False))
    response = await _ask(closed)
    assert (401, ["UNAUTHORIZED"]) == (response.status, response.codes)


async def test_docker_login_with_a_wrong_password_fails(world: World, client: Client) -> None:
    wrong = world.client(Account(None, "ada", "wrong"))  # type: ignore[arg-type]
    for response in (
        await _ask(wrong, "repository:ada/app:pull"),
        await _ask(wrong, headers={"authorization": "Basic ???"}),
        await _ask(wrong, headers={"authorization": "Bearer abc"}),
        await _post(client, grant_type="password", username="ada", password="wrong"),
        await _post(client, grant_type="password"),
        await _post(client, grant_type="refresh_token", refresh_token="unknown"),
    ):
        assert (401, ["UNAUTHORIZED"]) == (response.status, response.codes)
        assert response.headers["www-authenticate"].startswith("Basic ")


async def test_the_form_of_oauth_works_too(world: World, client: Client, repository: Repository) -> None:
    response = await _post(
        client,
        grant_type="password",
        username="ada",
        password=PASSWORD,
        service="registry.test",
        client_id="docker",
        access_type="offline",
        scope=["repository:ada/app:pull"],
    )
    assert {"repository:ada/app:pull"} == _granted(response)
    assert "refresh_token" not in response.json
    token = response.json["access_token"]
    assert 200 == (await client.send("GET", "/v2/ada/app/tags/list", token=token)).status


@pytest.mark.parametrize("fields", [{}, {"grant_type": "client_credentials"}, {"grant_type": "authorization_code"}])
async def test_other_grants_are_refused(world: World, client: Client, fields: dict[str, str]) -> None:
    response = await _post(client, **fields)
    assert (400, ["UNSUPPORTED"]) == (response.status, response.codes)


async def test_a_robots_token_is_an_identity_token(world: World, ada: Account, repository: Repository) -> None:
    robot = await world.robot("ada")
    await world.grant(repository, Role.WRITE, robot)
    client = world.client(robot)
    scope = "repository:ada/app:pull,push"
    for response in (
        await _post(client, grant_type="refresh_token", refresh_token=robot.secret, scope=scope),
        await _post(client, grant_type="password", username=robot.name, password=robot.secret, scope=scope),
        await _ask(world.client(Account(robot.principal, "<token>", robot.secret)), scope),
        await _ask(world.client(Account(robot.principal, "oauth2accesstoken", robot.secret)), scope),
        await _ask(world.client(Account(robot.principal, "00000000-0000-0000-0000-000000000000", robot.secret)), scope),
    ):
        assert {scope} == _granted(response)


async def test_a_form_that_is_too_large_is_refused(world: World, client: Client) -> None:
    response = await client.send("POST", "/v2/auth", body=b"a=" + b"x" * 70_000)
    assert (413, ["SIZE_INVALID"]) == (response.status, response.codes)
    response = await client.send("POST", "/v2/auth", body=b"&".join(b"a=b" for _ in range(200)))
    assert (400, ["UNSUPPORTED"]) == (response.status, response.codes)


async def test_a_token_fits_into_a_header_whatever_is_asked_for(world: World, ada: Account, client: Client) -> None:
    scopes = [f"repository:ada/{'x' * 200}{number}:pull,push,delete" for number in range(60)]
    response = await _ask(client, *scopes)
    assert 1 < len(_granted(response)) < len(scopes)
    assert len(response.json["token"]) < 8000


async def test_only_get_and_post(world: World, client: Client) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        response = await client.send(method, "/v2/auth")
        assert (405, ["UNSUPPORTED"]) == (response.status, response.codes)
        assert "GET, POST" == response.headers["allow"]
