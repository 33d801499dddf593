"""Manifests (registry-protocol A and B.2)."""

import asyncio
import json
from typing import Any

import pytest

from tests.world import Account, Client, Response, World
from tests.world.world import descriptor, image, index
from wharf.content.repositories import Repository
from wharf.oci import media_types
from wharf.oci.digest import Digest

MANIFESTS = "/v2/ada/app/manifests/"
LAYER = b"a layer"


def _bytes(document: dict[str, Any]) -> bytes:
    # Odd white space: what is served is what was pushed, not what it means.
    return json.dumps(document, indent=3).encode() + b"\n"


async def _put(client: Client, reference: str, body: bytes, content_type: str | None = None) -> Response:
    headers = {} if content_type is None else {"content-type": content_type}
    return await client.put(MANIFESTS + reference, body=body, headers=headers)


@pytest.fixture(autouse=True)
async def blobs(world: World, ada: Account, repository: Repository) -> None:
    """The blobs of `image(LAYER)` are there."""
    await world.push_blob(repository, b"{}", by=ada)
    await world.push_blob(repository, LAYER, by=ada)


# GET and HEAD --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("by", ["tag", "digest"])
async def test_headers(client: Client, method: str, by: str) -> None:
    body = _bytes(image(LAYER))
    digest = Digest.of(body)
    await _put(client, "latest", body)
    response = await client.request(
        method, MANIFESTS + (digest if by == "digest" else "latest"), headers={"accept-encoding": "gzip"}
    )
    assert 200 == response.status
    assert {
        "content-type": media_types.OCI_MANIFEST,
        "content-length": str(len(body)),
        "docker-content-digest": digest,
        "etag": f'"{digest}"',
        "cache-control": "private, max-age=31536000, immutable" if by == "digest" else "no-cache",
        "docker-distribution-api-version": "registry/2.0",
    } == dict(response.headers)
    assert (body if method == "GET" else b"") == response.body


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        media_types.OCI_MANIFEST,
        f"{media_types.DOCKER_MANIFEST};q=0.9;charset=utf-8, {media_types.DOCKER_LIST}; q=0.5",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        "text/html",
        ";;;,,,=q",
        "",
    ],
)
async def test_accept_changes_nothing(client: Client, accept: str | None) -> None:
    body = _bytes(image(LAYER))
    await _put(client, "latest", body)
    response = await client.get(MANIFESTS + "latest", headers={} if accept is None else {"accept": accept})
    assert (200, body) == (response.status, response.body)
    assert media_types.OCI_MANIFEST == response.headers["content-type"]


async def test_a_range_of_a_manifest_is_all_of_it(client: Client) -> None:
    body = _bytes(image(LAYER))
    await _put(client, "latest", body)
    response = await client.get(MANIFESTS + "latest", headers={"range": "bytes=0-9"})
    assert (200, body) == (response.status, response.body)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_not_modified(client: Client, method: str) -> None:
    await _put(client, "latest", _bytes(image(LAYER)))
    etag = (await client.get(MANIFESTS + "latest")).headers["etag"]
    assert 304 == (await client.request(method, MANIFESTS + "latest", headers={"if-none-match": etag})).status
    await _put(client, "latest", _bytes(image()))
    assert 200 == (await client.request(method, MANIFESTS + "latest", headers={"if-none-match": etag})).status


@pytest.mark.parametrize("reference", ["absent", "sha256:" + "a" * 64, "sha512:" + "a" * 128])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_unknown(client: Client, method: str, reference: str) -> None:
    response = await client.request(method, MANIFESTS + reference)
    assert 404 == response.status
    if method == "HEAD":
        assert b"" == response.body
    else:
        assert ["MANIFEST_UNKNOWN"] == response.codes


# PUT -----------------------------------------------------------------------------------------------------------------


async def test_a_put_tells_where_the_manifest_is(client: Client) -> None:
    body = _bytes(image(LAYER))
    for _ in range(2):
        response = await _put(client, "v1.0", body, media_types.OCI_MANIFEST)
        assert 201 == response.status
        assert MANIFESTS + Digest.of(body) == response.headers["location"]
        assert Digest.of(body) == response.headers["docker-content-digest"]
        assert "oci-subject" not in response.headers
        assert body == (await client.get(response.headers["location"])).body


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_by_digest(client: Client, algorithm: str) -> None:
    body = _bytes(image(LAYER))
    digest = Digest.of(body, algorithm)
    response = await _put(client, digest, body)
    assert (201, digest) == (response.status, response.headers["docker-content-digest"])
    response = await client.get(MANIFESTS + digest)
    assert (body, digest) == (response.body, response.headers["docker-content-digest"])


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_the_digest_is_verified(client: Client, algorithm: str) -> None:
    body = _bytes(image(LAYER))
    response = await _put(client, Digest.of(body, algorithm), body + b"  ")
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(MANIFESTS + Digest.of(body, algorithm))).status


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
async def test_by_digest_with_tags(client: Client, algorithm: str) -> None:
    body = _bytes(image(LAYER))
    digest = Digest.of(body, algorithm)
    response = await _put(client, f"{digest}?tag=a&tag=b&tag=a", body)
    assert (201, "a, b") == (response.status, response.headers["oci-tag"])
    for tag in "ab":
        assert digest == (await client.head(MANIFESTS + tag)).headers["docker-content-digest"]


async def test_tag_parameters_beside_a_tag(client: Client) -> None:
    response = await _put(client, "a?tag=b", _bytes(image(LAYER)))
    assert (201, "a, b") == (response.status, response.headers["oci-tag"])
    assert ["a", "b"] == (await client.get("/v2/ada/app/tags/list")).json["tags"]


async def test_a_tag_that_is_none_changes_nothing(client: Client) -> None:
    body = _bytes(image(LAYER))
    response = await _put(client, f"{Digest.of(body)}?tag=good&tag=-bad", body)
    assert (400, ["TAG_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(MANIFESTS + "good")).status
    assert 404 == (await client.get(MANIFESTS + Digest.of(body))).status


async def test_a_tag_may_move_between_kinds_of_manifest(client: Client) -> None:
    body = _bytes(image(LAYER))
    await _put(client, "latest", body)
    listing = _bytes(index(descriptor(body)))
    assert 201 == (await _put(client, "latest", listing)).status
    assert media_types.OCI_INDEX == (await client.head(MANIFESTS + "latest")).headers["content-type"]
    assert 201 == (await _put(client, "latest", body)).status


@pytest.mark.parametrize(
    ("fields", "content_type", "served"),
    [
        ({}, media_types.OCI_MANIFEST + "; charset=utf-8", media_types.OCI_MANIFEST),
        ({}, media_types.OCI_MANIFEST.upper(), media_types.OCI_MANIFEST),
        ({}, None, media_types.OCI_MANIFEST),
        ({}, "application/json", media_types.OCI_MANIFEST),
        ({"mediaType": None}, media_types.OCI_MANIFEST, media_types.OCI_MANIFEST),
        ({"mediaType": None}, None, media_types.OCI_MANIFEST),
        ({"mediaType": media_types.DOCKER_MANIFEST}, None, media_types.DOCKER_MANIFEST),
        ({"mediaType": None}, media_types.DOCKER_MANIFEST, media_types.DOCKER_MANIFEST),
    ],
)
async def test_what_type_a_manifest_has(
    client: Client, fields: dict[str, Any], content_type: str | None, served: str
) -> None:
    document = {key: value for key, value in (image(LAYER) | fields).items() if value is not None}
    response = await _put(client, "latest", _bytes(document), content_type)
    assert 201 == response.status, response.body
    assert served == (await client.head(MANIFESTS + "latest")).headers["content-type"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", None),
        (b"{", None),
        (b"[]", None),
        (b"\xff\xfe", None),
        (b"null", media_types.OCI_MANIFEST),
        (b"{}", media_types.OCI_MANIFEST),
        (_bytes(image(LAYER)), media_types.OCI_INDEX),
        (_bytes(image(LAYER)), "text/plain"),
        (_bytes(image(LAYER) | {"manifests": []}), None),
        (_bytes({**image(LAYER), "mediaType": "application/vnd.oci.image.layer.v1.tar"}), None),
        (_bytes(image(LAYER) | {"schemaVersion": 1}), None),
        (_bytes({"schemaVersion": 1, "name": "a"}), "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        (_bytes(image(LAYER) | {"config": {"digest": "sha256:abc", "size": 2}}), None),
        (b'{"schemaVersion": 2, "schemaVersion": 2}', media_types.OCI_MANIFEST),
        (b'{"schemaVersion":2,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", media_types.OCI_MANIFEST),
        (b'{"schemaVersion":2,"a":"\\ud800"}', media_types.OCI_MANIFEST),
    ],
)
async def test_what_is_no_manifest(client: Client, body: bytes, content_type: str | None) -> None:
    response = await _put(client, "latest", body, content_type)
    assert (400, ["MANIFEST_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(MANIFESTS + "latest")).status


async def test_schema_1_is_refused_with_a_hint(client: Client) -> None:
    response = await _put(client, "old", _bytes({"schemaVersion": 1, "name": "a"}))
    assert "skopeo" in response.json["errors"][0]["message"]


async def test_four_mebibytes_are_accepted_and_no_more(client: Client) -> None:
    document = image(LAYER) | {"annotations": {"padding": ""}}
    room = 4 * 1024 * 1024 - len(json.dumps(document))
    document["annotations"]["padding"] = "x" * room
    body = json.dumps(document).encode()
    assert 4 * 1024 * 1024 == len(body)
    assert 201 == (await _put(client, "large", body)).status
    response = await _put(client, "larger", body + b" ")
    assert (413, ["SIZE_INVALID"]) == (response.status, response.codes)
    response = await client.put(MANIFESTS + "larger", chunks=[body, b" " * 1000])
    assert (413, ["SIZE_INVALID"]) == (response.status, response.codes)


async def test_missing_blobs_are_named_one_by_one(client: Client) -> None:
    response = await _put(client, "latest", _bytes(image(b"missing 1", LAYER, b"missing 2")))
    assert 404 == response.status
    assert ["MANIFEST_BLOB_UNKNOWN"] * 2 == response.codes
    details = [error["detail"]["digest"] for error in response.json["errors"]]
    assert {Digest.of(b"missing 1"), Digest.of(b"missing 2")} == set(details)


async def test_missing_manifests_of_an_index(world: World, ada: Account, client: Client) -> None:
    body = _bytes(index(descriptor(b"absent")))
    response = await _put(client, "latest", body)
    assert (404, ["MANIFEST_BLOB_UNKNOWN"]) == (response.status, response.codes)
    sparse = world.client(ada, application=world.surface(allow_sparse_indexes=True))
    assert 201 == (await _put(sparse, "latest", body)).status


@pytest.mark.parametrize(
    "layer",
    [
        {"mediaType": "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "urls": ["https://example.com/a"]},
        {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"},
        {"mediaType": "application/vnd.oci.image.layer.v1.tar", "urls": ["https://example.com/a"]},
    ],
)
async def test_layers_that_are_elsewhere_need_not_be_here(client: Client, layer: dict[str, Any]) -> None:
    document = image()
    document["layers"] = [layer | {"digest": Digest.of(b"elsewhere"), "size": 9}]
    assert 201 == (await _put(client, "latest", _bytes(document))).status


_ACCEPTED: list[dict[str, Any]] = [
    image(),
    image(LAYER, LAYER),
    image(LAYER) | {"layers": None},
    image(LAYER) | {"unknown": {"field": [1, 2.5, None]}},
    image(LAYER) | {"artifactType": "application/vnd.example+json", "annotations": {"a": "b"}},
    image(LAYER)
    | {"config": {"mediaType": "application/vnd.docker.plugin.v1+json", "digest": Digest.of(b"{}"), "size": 2}},
    image(LAYER) | {"subject": descriptor(b"not there yet")},
    {
        **image(),
        "layers": [
            {"mediaType": f"application/vnd.oci.image.layer.v1.tar+{suffix}", "digest": Digest.of(LAYER), "size": 7}
            for suffix in ("gzip", "zstd", "gzip+encrypted")
        ],
    },
    {**image(), "config": {"mediaType": "x/y", "digest": Digest.of(b"data"), "size": 4, "data": "ZGF0YQ=="}},
    index(),
    index(descriptor(_bytes(image(LAYER))), descriptor(_bytes(image(LAYER)))),
    index(descriptor(_bytes(image(LAYER))) | {"platform": {"architecture": "unknown", "os": "unknown"}}),
    index(
        descriptor(_bytes(image(LAYER)))
        | {"platform": {"architecture": "amd64", "os": "windows", "os.version": "10.0", "os.features": ["win32k"]}}
    ),
    {**index(descriptor(_bytes(image(LAYER)))), "mediaType": media_types.DOCKER_LIST},
    index(
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": Digest.of(LAYER), "size": 7},
        {"mediaType": "application/vnd.buildkit.cacheconfig.v0", "digest": Digest.of(b"{}"), "size": 2},
    ),
]


@pytest.mark.parametrize("document", _ACCEPTED, ids=range(len(_ACCEPTED)))
async def test_what_clients_really_push(client: Client, document: dict[str, Any]) -> None:
    await _put(client, "platform", _bytes(image(LAYER)))
    body = _bytes(document)
    response = await _put(client, "latest", body)
    assert 201 == response.status, response.body
    assert body == (await client.get(MANIFESTS + "latest")).body


async def test_nested_indexes(client: Client) -> None:
    body = _bytes(image(LAYER))
    for depth in range(5):
        assert 201 == (await _put(client, f"level-{depth}", body)).status
        kind = media_types.OCI_INDEX if depth else media_types.OCI_MANIFEST
        body = _bytes(index(descriptor(body, kind), descriptor(body, kind)))


async def test_an_index_of_ten_thousand(world: World, ada: Account) -> None:
    client = world.client(ada, application=world.surface(allow_sparse_indexes=True))
    body = json.dumps(index(*(descriptor(str(number).encode()) for number in range(10_000)))).encode()
    assert 201 == (await _put(client, "many", body)).status


async def test_a_subject_is_confirmed(client: Client) -> None:
    subject = descriptor(b"a subject")
    response = await _put(client, "signature", _bytes(image(LAYER) | {"subject": subject}))
    assert subject["digest"] == response.headers["oci-subject"]


@pytest.mark.parametrize("tag", ["a", "_", "A.b-c_D", "x" * 128, "sha256-" + "a" * 64, "deadbeef", "1.2.3_build"])
async def test_tags(client: Client, tag: str) -> None:
    assert 201 == (await _put(client, tag, _bytes(image(LAYER)))).status
    assert 200 == (await client.head(MANIFESTS + tag)).status


@pytest.mark.parametrize("tag", [".a", "-a", "x" * 129, "a+b", "a b", "ä", "%00", "a%2525"])
async def test_no_tags(client: Client, tag: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await client.request(method, MANIFESTS + tag, body=_bytes(image(LAYER)))
        assert (400, ["TAG_INVALID"]) == (response.status, response.codes)


async def test_tags_are_case_sensitive(client: Client) -> None:
    await _put(client, "Latest", _bytes(image(LAYER)))
    assert 404 == (await client.head(MANIFESTS + "latest")).status


async def test_a_manifest_creates_its_repository_if_it_is_good(world: World, client: Client) -> None:
    body = json.dumps(index()).encode()
    for bad in (b"{}", _bytes(image(LAYER))):
        assert (await client.put("/v2/ada/new/manifests/latest", body=bad)).status in {400, 404}
        assert 404 == (await client.get("/v2/ada/new/tags/list")).status
    assert 201 == (await client.put("/v2/ada/new/manifests/latest", body=body)).status
    assert ["latest"] == (await client.get("/v2/ada/new/tags/list")).json["tags"]


# DELETE --------------------------------------------------------------------------------------------------------------


async def test_deleting_a_tag_leaves_the_manifest(client: Client) -> None:
    body = _bytes(image(LAYER))
    await _put(client, "one", body)
    await _put(client, "two", body)
    assert 202 == (await client.delete(MANIFESTS + "one")).status
    assert 404 == (await client.head(MANIFESTS + "one")).status
    assert 200 == (await client.head(MANIFESTS + "two")).status
    assert 200 == (await client.head(MANIFESTS + Digest.of(body))).status
    assert ["two"] == (await client.get("/v2/ada/app/tags/list")).json["tags"]


async def test_deleting_a_manifest_takes_its_tags(client: Client) -> None:
    body = _bytes(image(LAYER))
    for tag in ("one", "two"):
        await _put(client, tag, body)
    assert 202 == (await client.delete(MANIFESTS + Digest.of(body))).status
    for reference in ("one", "two", Digest.of(body)):
        assert 404 == (await client.head(MANIFESTS + reference)).status
    assert [] == (await client.get("/v2/ada/app/tags/list")).json["tags"]
    assert 201 == (await _put(client, "one", body)).status
    assert 200 == (await client.head(MANIFESTS + "one")).status


async def test_deleting_an_index_leaves_its_manifests_and_the_other_way_round(client: Client) -> None:
    body = _bytes(image(LAYER))
    listing = _bytes(index(descriptor(body)))
    for _ in range(2):
        assert 201 == (await _put(client, Digest.of(body), body)).status
        assert 201 == (await _put(client, "multi", listing)).status
        assert 202 == (await client.delete(MANIFESTS + Digest.of(listing))).status
        assert 200 == (await client.head(MANIFESTS + Digest.of(body))).status
        assert 201 == (await _put(client, "multi", listing)).status
        assert 202 == (await client.delete(MANIFESTS + Digest.of(body))).status
        assert listing == (await client.get(MANIFESTS + "multi")).body


async def test_deleting_a_subject_leaves_its_referrers(client: Client) -> None:
    body = _bytes(image(LAYER))
    await _put(client, "latest", body)
    await _put(client, "signature", _bytes(image() | {"subject": descriptor(body)}))
    assert 202 == (await client.delete(MANIFESTS + Digest.of(body))).status
    assert 200 == (await client.head(MANIFESTS + "signature")).status
    assert 1 == len((await client.get(f"/v2/ada/app/referrers/{Digest.of(body)}")).json["manifests"])


async def test_one_tag_pushed_by_many_at_once(client: Client) -> None:
    bodies = [_bytes(image(LAYER) | {"annotations": {"number": str(number)}}) for number in range(20)]
    await client.head(MANIFESTS + "latest")
    responses = await asyncio.gather(*(_put(client, "latest", body) for body in bodies))
    assert {201} == {response.status for response in responses}
    assert (await client.get(MANIFESTS + "latest")).body in bodies


async def test_deletes_may_be_off(world: World, ada: Account, client: Client) -> None:
    await _put(client, "latest", _bytes(image(LAYER)))
    strict = world.client(ada, application=world.surface(deletes_enabled=False))
    for path in (MANIFESTS + "latest", f"/v2/ada/app/blobs/{Digest.of(LAYER)}"):
        response = await strict.delete(path)
        assert (405, ["UNSUPPORTED"]) == (response.status, response.codes)
        assert "DELETE" not in response.headers["allow"]
    location = (await strict.post("/v2/ada/app/blobs/uploads/")).headers["location"]
    assert 204 == (await strict.delete(location)).status
