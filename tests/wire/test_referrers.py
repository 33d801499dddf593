"""Referrers (registry-protocol A and B.4)."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.world import Account, Client, World
from tests.world.world import descriptor, image
from wharf.content.repositories import Repository
from wharf.oci import media_types
from wharf.oci.digest import Digest

SUBJECT = descriptor(b"the subject")
URL = f"/v2/ada/app/referrers/{SUBJECT['digest']}"
EMPTY = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []}


def _referrer(**fields: Any) -> dict[str, Any]:
    return image() | {"subject": SUBJECT} | fields


@pytest.fixture
async def push(world: World, ada: Account, repository: Repository) -> Any:
    """Pushes a manifest with everything it needs."""
    await world.push_blob(repository, b"{}", by=ada)

    async def push(document: dict[str, Any], *tags: str) -> Digest:
        return await world.push_manifest(repository, document, *tags, by=ada)

    return push


@pytest.mark.parametrize("name", ["ada/absent", "nobody/absent", "ada/app"])
@pytest.mark.usefixtures("repository")
async def test_nothing_known_is_an_empty_index(client: Client, name: str) -> None:
    response = await client.get(f"/v2/{name}/referrers/{SUBJECT['digest']}")
    assert (200, EMPTY) == (response.status, response.json)
    assert media_types.OCI_INDEX == response.headers["content-type"]
    assert "oci-filters-applied" not in response.headers


async def test_entries_have_type_and_annotations(client: Client, push: Any) -> None:
    document = _referrer(artifactType="application/vnd.example.sbom", annotations={"a": "b"})
    digest = await push(document)
    assert [
        {
            "mediaType": media_types.OCI_MANIFEST,
            "digest": digest,
            "size": descriptor(document)["size"],
            "artifactType": "application/vnd.example.sbom",
            "annotations": {"a": "b"},
        }
    ] == (await client.get(URL)).json["manifests"]


async def test_the_type_of_an_image_is_that_of_its_config(client: Client, push: Any) -> None:
    await push(_referrer())
    (entry,) = (await client.get(URL)).json["manifests"]
    assert media_types.EMPTY == entry["artifactType"]
    assert "annotations" not in entry


async def test_an_index_may_refer_too(client: Client, push: Any) -> None:
    await push({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": [], "subject": SUBJECT})
    (entry,) = (await client.get(URL)).json["manifests"]
    assert media_types.OCI_INDEX == entry["mediaType"]
    assert "artifactType" not in entry


@pytest.mark.parametrize(
    ("query", "types"),
    [
        ("artifactType=x/a", {"x/a"}),
        ("artifactType=x/a&artifactType=x/b", {"x/a", "x/b"}),
        ("artifactType=x%2Fc%2Bjson", {"x/c+json"}),
        ("artifactType=x/absent", set()),
        ("artifactType=", set()),
        ("artifactType=%27;--", set()),
    ],
)
async def test_a_filter(client: Client, push: Any, query: str, types: set[str]) -> None:
    for kind in ("x/a", "x/b", "x/c+json"):
        await push(_referrer(artifactType=kind))
    response = await client.get(f"{URL}?{query}")
    assert types == {entry["artifactType"] for entry in response.json["manifests"]}
    assert "artifactType" == response.headers["oci-filters-applied"]


async def test_a_deleted_referrer_is_gone_at_once(client: Client, push: Any) -> None:
    digest = await push(_referrer(), "signature")
    assert 1 == len((await client.get(URL)).json["manifests"])
    assert 202 == (await client.delete(f"/v2/ada/app/manifests/{digest}")).status
    assert EMPTY == (await client.get(URL)).json


async def test_what_old_clients_push_under_fallback_tags_is_listed(client: Client, push: Any) -> None:
    digest = await push(_referrer(artifactType="x/signature"))
    fallback = "sha256-" + SUBJECT["digest"].removeprefix("sha256:")
    listing = {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX,
               "manifests": [descriptor(_referrer(artifactType="x/signature"))]}  # fmt: skip
    await push(listing, fallback)
    assert 200 == (await client.get(f"/v2/ada/app/manifests/{fallback}")).status
    (entry,) = (await client.get(URL)).json["manifests"]
    assert (digest, "x/signature") == (entry["digest"], entry["artifactType"])


async def test_generations_of_signatures_live_together(client: Client, push: Any) -> None:
    stem = "sha256-" + SUBJECT["digest"].removeprefix("sha256:")
    for suffix in (".sig", ".att", ".sbom"):
        await push(image() | {"annotations": {"kind": suffix}}, stem + suffix)
    for kind in ("application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.dev.sigstore.bundle.v0.3+json"):
        await push(_referrer(artifactType=kind))
    assert 2 == len((await client.get(URL)).json["manifests"])
    assert 3 == len((await client.get("/v2/ada/app/tags/list")).json["tags"])


async def test_pages(client: Client, push: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wharf.v2.referrers._PAGE_COUNT", 2)
    digests = {await push(_referrer(artifactType="x/+&", annotations={"n": str(number)})) for number in range(5)}
    await push(_referrer(artifactType="x/other"))
    url: str | None = f"{URL}?artifactType={quote('x/+&')}"
    found: list[str] = []
    while url:
        response = await client.get(url)
        found += [entry["digest"] for entry in response.json["manifests"]]
        assert "artifactType" == response.headers["oci-filters-applied"]
        link = response.headers.get("link")
        url = link.removeprefix("<").removesuffix('>; rel="next"') if link else None
    assert sorted(digests) == found


async def test_a_page_is_never_larger_than_a_manifest(client: Client, push: Any) -> None:
    for number in range(3):
        await push(_referrer(annotations={"n": str(number), "large": "x" * 2_500_000}))
    response = await client.get(URL)
    assert len(response.body) < 4 * 1024 * 1024
    assert 1 == len(response.json["manifests"])
    assert "link" in response.headers


@pytest.mark.parametrize("digest", ["latest", "sha256:abc", "md5:" + "a" * 32, ""])
@pytest.mark.usefixtures("repository")
async def test_only_digests_have_referrers(client: Client, digest: str) -> None:
    response = await client.get(f"/v2/ada/app/referrers/{digest}")
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)


async def test_by_sha512(client: Client, push: Any) -> None:
    subject = SUBJECT | {"digest": Digest.of(b"the subject", "sha512")}
    await push(image() | {"subject": subject})
    assert 1 == len((await client.get(f"/v2/ada/app/referrers/{subject['digest']}")).json["manifests"])
