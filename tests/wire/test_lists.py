"""Tag lists, the catalog and extensions (registry-protocol B.4)."""

import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.world import Account, Client, Response, World
from tests.world.world import index
from wharf.access.grants import Role
from wharf.content.repositories import Repository

TAGS = "/v2/ada/app/tags/list"
# In byte order: digits, upper case, underscore, lower case.
NAMES = ["0", "10", "2", "A", "Z", "_", "a", "a-", "a.", "a0", "aA", "a_", "aa", "z"]


@pytest.fixture
async def tags(world: World, ada: Account, repository: Repository) -> None:
    await world.push_manifest(repository, index(), *reversed(NAMES), by=ada)


@pytest.fixture
async def names(world: World, ada: Account) -> list[str]:
    names = sorted(f"ada/{name}" for name in ("a", "a-b", "a.b", "a/b", "a0", "a_b", "ab", "b"))
    for name in reversed(names):
        await world.repository(name, by=ada)
    return names


def _next(response: Response) -> str | None:
    header = response.headers.get("link")
    if header is None:
        return None
    match = re.fullmatch(r'<(/v2/[!-~]*)>; rel="next"', header)
    assert match
    return match[1]


async def _pages(client: Client, url: str | None) -> AsyncIterator[Response]:
    while url:
        response = await client.get(url)
        assert 200 == response.status
        yield response
        url = _next(response)


@pytest.mark.usefixtures("tags")
async def test_tags_are_in_byte_order(client: Client) -> None:
    response = await client.get(TAGS)
    assert {"name": "ada/app", "tags": NAMES} == response.json
    assert "application/json" == response.headers["content-type"]
    assert "link" not in response.headers


@pytest.mark.usefixtures("repository")
async def test_no_tags_are_an_empty_list(client: Client) -> None:
    assert {"name": "ada/app", "tags": []} == (await client.get(TAGS)).json


async def test_tags_of_an_absent_repository(client: Client) -> None:
    response = await client.get("/v2/ada/absent/tags/list")
    assert (404, ["NAME_UNKNOWN"]) == (response.status, response.codes)


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("size", [1, 2, 5, 7, 13])
async def test_pages_of_tags(client: Client, size: int) -> None:
    pages = [response.json["tags"] async for response in _pages(client, f"{TAGS}?n={size}")]
    assert NAMES == [name for page in pages for name in page]
    assert all(len(page) == size for page in pages[:-1])
    assert pages[-1], "no Link leads to an empty page"


@pytest.mark.usefixtures("tags")
async def test_the_last_page_has_no_link(client: Client) -> None:
    for size in (len(NAMES), len(NAMES) + 1):
        response = await client.get(f"{TAGS}?n={size}")
        assert (NAMES, None) == (response.json["tags"], _next(response))


@pytest.mark.usefixtures("tags")
async def test_no_page_at_all(client: Client) -> None:
    response = await client.get(f"{TAGS}?n=0")
    assert ([], None) == (response.json["tags"], _next(response))


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("last", ["a", "a!", "AA", "", "zz", "%00", "é", "%C3%A9", "%ff", "a%26b=c", "x" * 3000])
async def test_last_need_not_exist(client: Client, last: str) -> None:
    response = await client.get(f"{TAGS}?last={last}")
    if last == "%00":
        assert 400 == response.status
        return
    text = parse_qs(f"last={last}", keep_blank_values=True)["last"][0].encode()
    assert [name for name in NAMES if name.encode() > text] == response.json["tags"]


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("n", ["-1", "x", "", "1.5", "1e3", "0x10", "+1", "%20", "\u0661", "1%00"])
async def test_n_must_be_a_number(client: Client, n: str) -> None:
    for path in (TAGS, "/v2/_catalog"):
        response = await client.get(f"{path}?n={n}")
        assert 400 == response.status
        assert response.codes in (["PAGINATION_NUMBER_INVALID"], ["UNSUPPORTED"])


@pytest.mark.usefixtures("tags")
@pytest.mark.parametrize("n", [6, 99999, "9" * 400])
async def test_a_page_that_is_too_large_is_cut_and_has_a_link(world: World, ada: Account, n: object) -> None:
    client = world.client(ada, application=world.surface(tag_list_max_count=5, tag_list_default_count=3))
    response = await client.get(f"{TAGS}?n={n}")
    assert NAMES[:5] == response.json["tags"]
    assert ["5"] == parse_qs(urlsplit(_next(response) or "").query)["n"]
    assert NAMES[:3] == (await client.get(TAGS)).json["tags"]
    pages = [page.json["tags"] async for page in _pages(client, TAGS)]
    assert NAMES == [name for page in pages for name in page]


async def test_the_catalog_is_in_byte_order(client: Client, names: list[str]) -> None:
    response = await client.get("/v2/_catalog")
    assert {"repositories": names} == response.json
    assert "link" not in response.headers


async def test_an_empty_catalog(client: Client) -> None:
    assert {"repositories": []} == (await client.get("/v2/_catalog")).json
    assert {"repositories": []} == (await client.get("/v2/_catalog?n=0")).json


@pytest.mark.parametrize("size", [1, 3])
async def test_pages_of_the_catalog_show_what_the_caller_may_pull(
    world: World, ada: Account, names: list[str], size: int
) -> None:
    eve = await world.user("eve")
    shared = await world.repository("ada/shared", by=ada)
    await world.grant(shared, Role.READ, eve)
    for name in ("ada/open", "ada/aaa"):
        await world.repository(name, by=ada, public=True)
    await world.repository("eve/own", by=eve)
    for account, expected in (
        (ada, sorted([*names, "ada/shared", "ada/open", "ada/aaa"])),
        (eve, ["ada/aaa", "ada/open", "ada/shared", "eve/own"]),
        (None, ["ada/aaa", "ada/open"]),
        (await world.user("root", superuser=True), sorted([*names, "ada/shared", "ada/open", "ada/aaa", "eve/own"])),
    ):
        pages = [page.json["repositories"] async for page in _pages(world.client(account), f"/v2/_catalog?n={size}")]
        assert expected == [name for page in pages for name in page]
        assert all(len(page) == size for page in pages[:-1])


async def test_the_catalog_needs_a_token_for_it(world: World, ada: Account, client: Client) -> None:
    assert 401 == (await world.client().send("GET", "/v2/_catalog")).status
    await world.repository("ada/app", by=ada)
    token = await client.token({"realm": "/v2/auth", "scope": "repository:ada/app:pull"})
    response = await client.send("GET", "/v2/_catalog", token=token)
    assert (401, "insufficient_scope") == (response.status, response.challenge["error"])
    assert 200 == (await client.send("GET", "/v2/_catalog", headers=client.basic)).status


async def test_the_extensions_can_be_discovered(world: World) -> None:
    response = await world.client().get("/v2/_oci/ext/discover")
    assert 200 == response.status
    assert ["_catalog"] == [each["name"] for each in response.json["extensions"]]
