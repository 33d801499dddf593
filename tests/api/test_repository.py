"""Repositories over the REST API, in the shapes of Quay."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import Role, TeamRole
from wharf.content.repositories import Repository

URL = "/api/v1/repository"


async def test_a_repository_is_created_in_the_callers_namespace_or_another(
    api: Api, world: World, ada: Account
) -> None:
    await world.organization("acme", by=ada)
    client = await api.bearer(ada, ApiScope.REPO_CREATE, ApiScope.REPO_READ)
    own = await client.post(URL, json={"repository": "tools/cli", "visibility": "public", "description": "ours"})
    assert (201, {"namespace": "ada", "name": "tools/cli", "kind": "image"}) == (own.status_code, own.json())
    sent = {"repository": "app", "namespace": "acme", "visibility": "private", "description": "", "repo_kind": None}
    assert 201 == (await client.post(URL, json=sent)).status_code
    assert "ours" == (await client.get(f"{URL}/ada/tools/cli")).json()["description"]
    again = await client.post(URL, json=sent)
    assert (400, "invalid_request") == (again.status_code, again.json()["error_type"])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"repository": "app", "visibility": "private", "namespace": "eve"}, 403),
        ({"repository": "app", "visibility": "private", "namespace": "nobody"}, 404),
        ({"repository": "APP", "visibility": "private"}, 400),
        ({"repository": "app", "visibility": "secret"}, 400),
        ({"repository": "app", "visibility": "private", "repo_kind": "application"}, 400),
        ({"bad": "one"}, 400),
    ],
)
async def test_what_cannot_be_created(api: Api, world: World, ada: Account, sent: object, status: int) -> None:
    await world.user("eve")
    assert status == (await (await api.bearer(ada)).post(URL, json=sent)).status_code


async def test_a_repository_is_shown_with_its_tags(
    api: Api, world: World, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", "v1", by=ada)
    client = await api.bearer(ada)
    shown = (await client.get(f"{URL}/ada/app")).json()
    tags = shown.pop("tags")
    assert {"name", "size", "last_modified", "manifest_digest"} == tags["latest"].keys()
    assert {"latest", "v1"} == tags.keys()
    assert digest == tags["v1"]["manifest_digest"]
    assert isinstance(tags["v1"]["size"], int)
    assert {
        "namespace": "ada",
        "name": "app",
        "kind": "image",
        "description": "",
        "is_public": False,
        "is_organization": False,
        "is_starred": False,
        "status_token": "",
        "trust_enabled": False,
        "tag_expiration_s": 14 * 86400,
        "is_free_account": True,
        "state": "NORMAL",
        "can_write": True,
        "can_admin": True,
    } == shown
    assert "tags" not in (await client.get(f"{URL}/ada/app?includeTags=false")).json()


async def test_who_sees_what(api: Api, world: World, ada: Account, http: httpx.AsyncClient) -> None:
    private = await world.repository("ada/private", by=ada)
    await world.repository("ada/public", by=ada, public=True)
    reader, stranger = await world.user("reader"), await world.user("stranger")
    await world.grant(private, Role.READ, reader)
    assert [200, 404] == [
        (await (await api.bearer(who)).get(f"{URL}/ada/private")).status_code for who in (reader, stranger)
    ]
    shown = (await http.get(f"{URL}/ada/public")).json()
    assert [False, False] == [shown["can_write"], shown["can_admin"]]
    for name in ("private", "none"):
        answer = await http.get(f"{URL}/ada/{name}")
        assert (401, "invalid_token") == (answer.status_code, answer.json()["error_type"])


async def test_a_superusers_token_is_worth_no_more_than_its_scopes(
    api: Api, world: World, repository: Repository
) -> None:
    root = await world.user("root", superuser=True)
    weak = await api.bearer(root, ApiScope.REPO_ADMIN)
    assert 404 == (await weak.get(f"{URL}/ada/app")).status_code
    assert 404 == (await weak.delete(f"{URL}/ada/app")).status_code
    assert 200 == (await (await api.bearer(root)).get(f"{URL}/ada/app")).status_code


async def names(client: httpx.AsyncClient, query: str) -> list[str]:
    found = (await client.get(f"{URL}?{query}")).json()["repositories"]
    return [f"{each['namespace']}/{each['name']}" for each in found]


async def test_lists(api: Api, world: World, ada: Account, http: httpx.AsyncClient) -> None:
    eve = await world.user("eve")
    for name, public in {"ada/a": False, "ada/b": True, "ada/c/d": False}.items():
        await world.repository(name, by=ada, public=public)
    acme = await world.organization("acme", by=ada)
    shared = await world.repository("acme/app", by=ada)
    await world.grant(shared, Role.READ, await world.team(acme, "readers", TeamRole.MEMBER, eve))
    owner, other = await api.bearer(ada), await api.bearer(eve)
    assert ["ada/a", "ada/b", "ada/c/d"] == await names(owner, "namespace=ada")
    assert ["acme/app", "ada/a", "ada/b", "ada/c/d"] == await names(owner, "public=true")
    assert [] == await names(other, "namespace=ada")
    assert ["ada/b"] == await names(other, "namespace=ada&public=true")
    assert ["acme/app"] == await names(other, "namespace=acme")
    assert ["ada/b"] == await names(http, "public=true")
    assert [] == await names(http, "namespace=acme&public=true")
    assert [] == await names(owner, "namespace=nobody")
    assert 400 == (await owner.get(URL)).status_code


async def test_a_list_tells_when_a_tag_was_pushed(api: Api, world: World, ada: Account, repository: Repository) -> None:
    client = await api.bearer(ada)
    query = f"{URL}?namespace=ada&last_modified=true"
    assert "last_modified" not in (await client.get(query)).json()["repositories"][0]
    await world.push_image(repository, "latest", by=ada)
    (listed,) = (await client.get(query)).json()["repositories"]
    assert {
        *("namespace", "name", "description", "is_public", "kind", "state", "last_modified", "is_starred")
    } == listed.keys()
    assert abs(listed["last_modified"] - world.now.timestamp()) < 3600


async def test_pages(api: Api, world: World, ada: Account) -> None:
    for number in range(5):
        await world.repository(f"ada/app{number}", by=ada)
    client, seen, token = await api.bearer(ada), list[str](), ""
    while True:
        answer = (await client.get(URL, params={"namespace": "ada", "limit": 2, "next_page": token})).json()
        seen += [each["name"] for each in answer["repositories"]]
        if not (token := answer.get("next_page", "")):
            break
    assert [f"app{number}" for number in range(5)] == seen


async def test_settings(api: Api, world: World, ada: Account, repository: Repository) -> None:
    client, url = await api.bearer(ada), f"{URL}/ada/app"
    assert {"success": True} == (await client.put(url, json={"description": "# An app"})).json()
    assert {"success": True} == (await client.post(f"{url}/changevisibility", json={"visibility": "public"})).json()
    assert {"success": True} == (await client.put(f"{url}/changestate", json={"state": "READ_ONLY"})).json()
    shown = (await client.get(url)).json()
    assert ("# An app", True, "READ_ONLY", False) == tuple(
        shown[field] for field in ("description", "is_public", "state", "can_write")
    )
    assert 403 == (await client.put(url, json={"description": "another"})).status_code
    assert 200 == (await client.put(f"{url}/changestate", json={"state": "NORMAL"})).status_code
    assert 400 == (await client.put(f"{url}/changestate", json={"state": "MIRROR"})).status_code


async def test_settings_are_for_those_who_may(api: Api, world: World, repository: Repository) -> None:
    writer, reader = await world.user("writer"), await world.user("reader")
    await world.grant(repository, Role.WRITE, writer)
    await world.grant(repository, Role.READ, reader)
    for who, describing in ((writer, 200), (reader, 403)):
        client = await api.bearer(who)
        assert describing == (await client.put(f"{URL}/ada/app", json={"description": ""})).status_code
        assert 403 == (await client.delete(f"{URL}/ada/app")).status_code
        for path, sent in (("changevisibility", {"visibility": "public"}), ("changestate", {"state": "READ_ONLY"})):
            method = "POST" if path == "changevisibility" else "PUT"
            assert 403 == (await client.request(method, f"{URL}/ada/app/{path}", json=sent)).status_code


async def test_a_deleted_repository_is_gone(api: Api, ada: Account, repository: Repository) -> None:
    client = await api.bearer(ada)
    assert 204 == (await client.delete(f"{URL}/ada/app")).status_code
    assert 404 == (await client.delete(f"{URL}/ada/app")).status_code
    assert [] == await names(client, "namespace=ada")


async def test_a_token_needs_the_scope(api: Api, ada: Account, repository: Repository) -> None:
    client = await api.bearer(ada, ApiScope.REPO_READ)
    for method, path, sent in (
        ("POST", "", {"repository": "b", "visibility": "private"}),
        ("PUT", "/ada/app", {"description": ""}),
        ("DELETE", "/ada/app", None),
    ):
        assert 403 == (await client.request(method, URL + path, json=sent)).status_code
