"""Paths, names, methods, mirrors and browsers (registry-protocol B.4, B.5)."""

import pytest

from tests.world import Account, Client, World
from tests.world.world import index
from wharf.content.repositories import Repository
from wharf.oci.digest import Digest

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    "name",
    [
        "ada/blobs",
        "ada/manifests",
        "ada/tags",
        "ada/tags/list",
        "ada/uploads",
        "ada/blobs/uploads",
        "ada/blobs/uploads/manifests/x",
        "ada/referrers",
        "ada/list",
        "ada/v2",
        "ada/auth",
        "ada/v2/manifests/tags/list/blobs/uploads/referrers",
        "ada/_catalog".replace("_", ""),
        "ada/" + "a" * 251,
        "ada/a.b_c__d-e---f/0/1",
    ],
)
async def test_names_may_be_words_of_the_protocol(client: Client, name: str) -> None:
    blob = Digest.of(b"blob")
    assert 202 == (await client.post(f"/v2/{name}/blobs/uploads/")).status
    assert 201 == (await client.post(f"/v2/{name}/blobs/uploads/?digest={blob}", body=b"blob")).status
    assert b"blob" == (await client.get(f"/v2/{name}/blobs/{blob}")).body
    location = (await client.post(f"/v2/{name}/blobs/uploads")).headers["location"]
    assert location.startswith(f"/v2/{name}/blobs/uploads/")
    assert 204 == (await client.get(location)).status
    body = b'{"schemaVersion":2,"manifests":[]}'
    for tag in ("latest", "uploads", "list", "tags"):
        assert 201 == (await client.put(f"/v2/{name}/manifests/{tag}", body=body)).status
        assert 200 == (await client.get(f"/v2/{name}/manifests/{tag}")).status
    assert {"name": name, "tags": ["latest", "list", "tags", "uploads"]} == (
        await client.get(f"/v2/{name}/tags/list")
    ).json
    assert 200 == (await client.get(f"/v2/{name}/referrers/{DIGEST}")).status


@pytest.mark.parametrize(
    "name",
    [
        "UPPER/case",
        "ada/App",
        "ada//app",
        "ada/../eve",
        "./ada",
        "ada/-app",
        "ada/app-",
        "ada/a..b",
        "ada/a___b",
        "ada/a_.b",
        "ada/é",
        "ada/a b",
        "ada/%00",
        "ada%252Fapp",
        "ada/" + "a" * 252,
        "a" * 5000,
        "",
        "/",
    ],
)
async def test_names_that_are_none(client: Client, name: str) -> None:
    for rest in ("tags/list", "manifests/latest", f"blobs/{DIGEST}", f"referrers/{DIGEST}"):
        response = await client.get(f"/v2/{name}/{rest}")
        assert (response.status, response.codes) in [(400, ["NAME_INVALID"]), (404, ["UNSUPPORTED"])]


async def test_a_name_is_decoded_once(client: Client, repository: Repository) -> None:
    assert 200 == (await client.get("/v2/ada%2Fapp/tags/list")).status
    assert 400 == (await client.get("/v2/ada%252Fapp/tags/list")).status


async def test_a_short_name_means_the_library(world: World) -> None:
    root = await world.user("root", superuser=True)
    await world.organization("library", by=root)
    repository = await world.repository("library/alpine", by=root, public=True)
    await world.push_manifest(repository, index(), "latest", by=root)
    for name in ("alpine", "library/alpine"):
        assert 200 == (await world.client().get(f"/v2/{name}/manifests/latest")).status
        assert name == (await world.client().get(f"/v2/{name}/tags/list")).json["name"]
    plain = world.client(root, application=world.surface(library_namespace=None))
    response = await plain.get("/v2/alpine/manifests/latest")
    assert (404, ["NAME_UNKNOWN"]) == (response.status, response.codes)
    response = await plain.post("/v2/alpine/blobs/uploads/")
    assert (404, ["NAME_UNKNOWN"]) == (response.status, response.codes)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/x",
        "/v2/ada/app",
        "/v2/ada/app/tags",
        "/v2/ada/app/tags/",
        "/v2/ada/app/tags/other",
        "/v2/ada/app/tags/list/",
        "/v2/ada/app/unknown/latest",
        "/v2/_catalog/",
        "/v2/_oci/ext",
        "/v2/_other",
        "/v2/auth/",
        "/v2//",
        "/v2/manifests/latest",
        "/v2/blobs/uploads/",
        "/v2/tags/list",
        "/v2x",
        "/v2/ada/app/uploads/1",
    ],
)
async def test_unknown_paths(client: Client, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        response = await client.send(method, path)
        assert (404, ["UNSUPPORTED"]) == (response.status, response.codes)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v2/", "GET, HEAD"),
        ("/v2/auth", "GET, POST"),
        ("/v2/_catalog", "GET, HEAD"),
        ("/v2/_oci/ext/discover", "GET, HEAD"),
        ("/v2/ada/app/tags/list", "GET, HEAD"),
        (f"/v2/ada/app/referrers/{DIGEST}", "GET, HEAD"),
        (f"/v2/ada/app/blobs/{DIGEST}", "GET, HEAD, DELETE"),
        ("/v2/ada/app/blobs/uploads/", "POST"),
        ("/v2/ada/app/blobs/uploads/1", "GET, HEAD, PATCH, PUT, DELETE"),
        ("/v2/ada/app/manifests/latest", "GET, HEAD, PUT, DELETE"),
    ],
)
async def test_methods(client: Client, path: str, allowed: str) -> None:
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""} - set(allowed.split(", ")):
        response = await client.send(method, path)
        assert 405 == response.status
        assert allowed == response.headers["allow"]
        if method != "HEAD":
            assert ["UNSUPPORTED"] == response.codes
    response = await client.send("OPTIONS", path)
    assert (204, allowed) == (response.status, response.headers["allow"])


# Mirrors -------------------------------------------------------------------------------------------------------------


async def test_a_mirror_of_nothing_we_know_has_nothing(
    world: World, ada: Account, client: Client, repository: Repository
) -> None:
    await world.push_manifest(repository, index(), "latest", by=ada)
    for method in ("GET", "HEAD"):
        response = await client.send(method, "/v2/ada/app/manifests/latest?ns=docker.io")
        assert 404 == response.status
    assert ["NAME_UNKNOWN"] == (await client.send("GET", "/v2/ada/app/manifests/latest?ns=docker.io")).codes


@pytest.mark.parametrize(("public_url", "ns"), [(None, "registry.test"), ("https://r.example:5000", "r.example:5000")])
async def test_a_mirror_of_ourselves_is_ourselves(
    world: World, ada: Account, repository: Repository, public_url: str | None, ns: str
) -> None:
    await world.push_manifest(repository, index(), "latest", by=ada)
    client = world.client(ada, application=world.surface(public_url=public_url))
    response = await client.get(f"/v2/ada/app/manifests/latest?ns={ns}")
    assert (200, ns) == (response.status, response.headers["oci-namespace"])
    assert 200 == (await client.get("/v2/ada/app/manifests/latest?xns=1")).status


# Browsers ------------------------------------------------------------------------------------------------------------


async def test_web_pages_of_chosen_origins_may_call(world: World, ada: Account, repository: Repository) -> None:
    surface = world.surface(cors_origins="https://ui.example.com, https://other.example.com")
    client = world.client(ada, application=surface, headers={"origin": "https://ui.example.com"})
    response = await client.send("OPTIONS", "/v2/ada/app/tags/list")
    assert 204 == response.status
    assert "https://ui.example.com" == response.headers["access-control-allow-origin"]
    assert "GET, HEAD" == response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in response.headers
    for path in ("/v2/ada/app/tags/list", "/v2/", "/v2/ada/app/manifests/absent"):
        for response in (await client.send("GET", path), await client.get(path)):
            assert "https://ui.example.com" == response.headers["access-control-allow-origin"]
            assert "Origin" == response.headers["vary"]
            for name in ("Docker-Content-Digest", "Link", "WWW-Authenticate"):
                assert name in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", "", "*"])
async def test_other_web_pages_may_not(world: World, origin: str) -> None:
    for origins in ("", "https://ui.example.com"):
        client = world.client(application=world.surface(cors_origins=origins), headers={"origin": origin})
        for response in (await client.send("OPTIONS", "/v2/_catalog"), await client.get("/v2/_catalog")):
            assert "access-control-allow-origin" not in response.headers


async def test_all_web_pages_if_so_configured(world: World) -> None:
    client = world.client(application=world.surface(cors_origins="*"), headers={"origin": "https://any.example.com"})
    assert "https://any.example.com" == (await client.get("/v2/")).headers["access-control-allow-origin"]
