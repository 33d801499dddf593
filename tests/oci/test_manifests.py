"""Manifests and indexes."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wharf.oci import manifests
from wharf.oci.digest import EMPTY_BLOB, EMPTY_JSON, Digest
from wharf.oci.errors import ManifestInvalid
from wharf.oci.manifests import Manifest, ManifestKind
from wharf.oci.media_types import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    EMPTY,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    from_header,
)

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

Json = dict[str, Any]


def descriptor(content: bytes = b"x", media_type: str = LAYER, **more: object) -> Json:
    return {"mediaType": media_type, "digest": Digest.of(content), "size": len(content), **more}


CONFIG = descriptor(b"{}", OCI_CONFIG)


def image(**more: object) -> Json:
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": CONFIG,
        "layers": [descriptor(b"1"), descriptor(b"2")],
        **more,
    }


def index(*children: Json, **more: object) -> Json:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(children), **more}


def without(document: Json, *fields: str) -> Json:
    return {name: value for name, value in document.items() if name not in fields}


def parse(document: object, content_type: str | None = None) -> Manifest:
    return manifests.parse(json.dumps(document).encode(), content_type)


# Which kind it is --------------------------------------------------------------------------------------------------

KINDS: list[tuple[Json, str | None, str]] = [
    (image(), OCI_MANIFEST, OCI_MANIFEST),
    (image(), f"{OCI_MANIFEST}; charset=utf-8", OCI_MANIFEST),
    (image(), OCI_MANIFEST.upper(), OCI_MANIFEST),
    (image(), None, OCI_MANIFEST),
    (image(), "", OCI_MANIFEST),
    (image(), "application/json", OCI_MANIFEST),
    (image(mediaType=DOCKER_MANIFEST), None, DOCKER_MANIFEST),
    (image(mediaType=DOCKER_MANIFEST), DOCKER_MANIFEST, DOCKER_MANIFEST),
    (without(image(), "mediaType"), OCI_MANIFEST, OCI_MANIFEST),
    (without(image(), "mediaType"), DOCKER_MANIFEST, DOCKER_MANIFEST),
    (without(image(), "mediaType"), None, OCI_MANIFEST),
    (image(mediaType=""), None, OCI_MANIFEST),
    (index(), OCI_INDEX, OCI_INDEX),
    (index(mediaType=DOCKER_LIST), DOCKER_LIST, DOCKER_LIST),
    (without(index(), "mediaType"), None, OCI_INDEX),
    (without(index(), "mediaType"), DOCKER_LIST, DOCKER_LIST),
]


@pytest.mark.parametrize(("document", "content_type", "media_type"), KINDS)
def test_the_kind_of_a_manifest(document: Json, content_type: str | None, media_type: str) -> None:
    manifest = parse(document, content_type)
    assert media_type == manifest.media_type
    assert (ManifestKind.INDEX if "manifests" in document else ManifestKind.IMAGE) is manifest.kind


SCHEMA1 = {"schemaVersion": 1, "name": "acme/app", "tag": "latest", "fsLayers": [], "history": [], "signatures": []}
REFUSED: list[tuple[object, str | None, str]] = [
    # The two sources of the media type disagree.
    (image(), OCI_INDEX, "differs"),
    (image(), DOCKER_MANIFEST, "differs"),
    (index(), DOCKER_LIST, "differs"),
    (image(), "text/plain", "differs"),
    (image(mediaType="application/vnd.example+json"), "application/vnd.example+json", "not one of a manifest"),
    (without(image(), "mediaType"), "text/html", "not one of a manifest"),
    # CVE-2021-41190: a document that is an image to one reader and an index to another.
    (without(image(manifests=[]), "mediaType"), None, "either layers or manifests"),
    (image(manifests=[descriptor()]), OCI_MANIFEST, "must not have manifests"),
    (image(manifests=[]), None, "must not have manifests"),
    (index(layers=[]), OCI_INDEX, "must not have layers"),
    (index(config=CONFIG), OCI_INDEX, "must not have config"),
    (index(Layers=[]), OCI_INDEX, "case-sensitive"),
    (image(MANIFESTS=[descriptor()]), OCI_MANIFEST, "case-sensitive"),
    ({"schemaVersion": 2}, None, "either layers or manifests"),
    # Docker schema 1.
    (SCHEMA1, "application/vnd.docker.distribution.manifest.v1+prettyjws", "skopeo copy"),
    (SCHEMA1, "application/vnd.docker.distribution.manifest.v1+json", "skopeo copy"),
    (SCHEMA1, "application/json", "skopeo copy"),
    (SCHEMA1, None, "skopeo copy"),
    # Versions.
    (image(schemaVersion=3), None, "schemaVersion"),
    (image(schemaVersion="2"), None, "schemaVersion"),
    (without(image(), "schemaVersion"), None, "schemaVersion"),
    # Shapes.
    ([], OCI_MANIFEST, "not a JSON object"),
    ("manifest", OCI_MANIFEST, "not a JSON object"),
    (None, OCI_MANIFEST, "not a JSON object"),
    (image(mediaType=2), None, "mediaType is not a text"),
    (without(image(), "config"), None, "config"),
    (image(config=[]), None, "config"),
    (image(layers={}), None, "layers is not a list"),
    (image(layers=[1]), None, "layers"),
    (image(layers=[without(descriptor(), "digest")]), None, "no digest"),
    (image(layers=[descriptor(digest="sha256:abc")]), None, "invalid digest"),
    (image(layers=[descriptor(digest="sha1:" + "a" * 40)]), None, "supported algorithms"),
    (image(layers=[descriptor(digest=1)]), None, "no digest"),
    (image(layers=[without(descriptor(), "size")]), None, "size"),
    (image(layers=[descriptor(size=-1)]), None, "size"),
    (image(layers=[descriptor(size=True)]), None, "size"),
    (image(layers=[descriptor(size=1.0)]), None, "size"),
    (image(layers=[descriptor(size="1")]), None, "size"),
    (image(layers=[descriptor(size=2**63)]), None, "size"),
    (image(layers=[descriptor(mediaType=[])]), None, "mediaType"),
    (image(layers=[descriptor(urls="https://example.org")]), None, "urls"),
    (image(layers=[descriptor(urls=[1])]), None, "urls"),
    (image(layers=[descriptor(platform="linux")]), None, "platform"),
    (image(layers=[descriptor(annotations={"a": 1})]), None, "annotations"),
    (image(annotations={"a": None}), None, "annotations"),
    (image(annotations=["a"]), None, "annotations"),
    (image(artifactType=1), None, "artifactType"),
    (image(subject="sha256:x"), None, "subject"),
    (image(subject={}), None, "subject"),
    # Data that is not the content.
    (image(layers=[descriptor(b"x", data="eQ==")]), None, "data"),
    (image(layers=[descriptor(b"x", data="not base64")]), None, "data"),
    (image(layers=[descriptor(b"x", data="é")]), None, "data"),
    (image(layers=[descriptor(b"x", data=1)]), None, "data"),
    (image(layers=[descriptor(b"x", size=2, data="eA==")]), None, "data"),
    # Texts that no column could keep.
    (image(annotations={"a": "\ud800"}), None, "UTF-8"),
    (image(annotations={"a": "\0"}), None, "NUL"),
    (image(annotations={"\0": "a"}), None, "NUL"),
    (image(extra=[{"deep": "\0"}]), None, "NUL"),
]


@pytest.mark.parametrize(("document", "content_type", "reason"), REFUSED)
def test_what_is_refused(document: object, content_type: str | None, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as invalid:
        parse(document, content_type)
    assert reason in invalid.value.reason


BODIES: list[tuple[bytes, str]] = [
    (b"", "not valid JSON"),
    (b"{", "not valid JSON"),
    (b"{} {}", "not valid JSON"),
    (b"\xef\xbb\xbf{}", "not valid JSON"),
    (b"\xff\xfe{\0}\0", "not UTF-8"),
    (b'{"a": "\xff"}', "not UTF-8"),
    (b'{"schemaVersion": NaN}', "NaN is not JSON"),
    (b'{"schemaVersion": 2, "schemaVersion": 2}', "same key twice"),
    (b'{"layers": [{"digest": "a", "digest": "b"}]}', "same key twice"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    (b'{"a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_000 + b"}", "nested too deeply"),
    (b'{"a": ' + b"9" * 10_000 + b"}", "not valid JSON"),
    (b" " * (manifests.MAX_SIZE_BYTES + 1), "larger than"),
]


@pytest.mark.parametrize(("body", "reason"), BODIES)
def test_what_cannot_be_read(body: bytes, reason: str) -> None:
    with pytest.raises(ManifestInvalid) as invalid:
        manifests.parse(body, OCI_MANIFEST)
    assert reason in invalid.value.reason
    assert len(invalid.value.reason) < 300


# What it needs -----------------------------------------------------------------------------------------------------


def digests(*data: bytes) -> tuple[Digest, ...]:
    return tuple(Digest.of(each) for each in data)


def test_an_image_needs_its_config_and_its_layers() -> None:
    manifest = parse(image())
    assert digests(b"{}", b"1", b"2") == manifest.required_blobs
    assert OCI_CONFIG == manifest.referrer_type
    assert (2, 1) == (len(manifest.layers), manifest.layers[0].size_bytes)
    assert ((), None, None) == (manifest.children, manifest.subject, manifest.artifact_type)


def test_layers_that_are_the_same_are_needed_once() -> None:
    manifest = parse(image(layers=[descriptor(b"1"), descriptor(b"1"), descriptor(b"{}")]))
    assert digests(b"{}", b"1") == manifest.required_blobs
    assert 3 == len(manifest.layers)


@pytest.mark.parametrize(
    "layer",
    [
        descriptor(media_type="application/vnd.oci.image.layer.nondistributable.v1.tar"),
        descriptor(media_type="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
        descriptor(media_type="application/vnd.oci.image.layer.nondistributable.v1.tar+zstd"),
        descriptor(media_type="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        descriptor(urls=["https://example.org/layer"]),
        descriptor(b"x", data=base64.b64encode(b"x").decode()),
        {**descriptor(b"x", data=base64.b64encode(b"x").decode()), "digest": Digest.of(b"x", "sha512")},
        descriptor(b"", data=""),
    ],
)
def test_content_that_need_not_be_pushed(layer: Json) -> None:
    manifest = parse(image(layers=[layer]))
    assert digests(b"{}") == manifest.required_blobs
    assert (EMPTY_JSON, layer["digest"]) == tuple(blob.digest for blob in manifest.blobs)


def test_content_is_needed_if_only_one_of_its_descriptors_has_it() -> None:
    held = descriptor(b"x", data=base64.b64encode(b"x").decode())
    for layers in ([held, descriptor(b"x")], [descriptor(b"x"), held]):
        assert digests(b"{}", b"x") == parse(image(layers=layers)).required_blobs


@pytest.mark.parametrize("no_urls", [None, []])
def test_a_layer_without_urls_has_to_be_pushed(no_urls: object) -> None:
    assert digests(b"{}", b"x") == parse(image(layers=[descriptor(urls=no_urls)])).required_blobs


ACCEPTED: list[Json] = [
    image(config=descriptor(b"{}", EMPTY), layers=[descriptor(b"{}", EMPTY)]),
    image(layers=[]),
    image(layers=None),
    without(image(), "layers"),
    image(layers=[descriptor(b"")]),
    image(config=descriptor(b"{}", "application/vnd.example.unknown"), artifactType="application/vnd.example"),
    image(config=descriptor(b"{}", "application/vnd.docker.plugin.v1+json"), mediaType=DOCKER_MANIFEST),
    image(config=descriptor(b"{}", DOCKER_CONFIG), mediaType=DOCKER_MANIFEST),
    image(layers=[descriptor(media_type=LAYER + "+encrypted"), descriptor(media_type=LAYER.replace("gzip", "zstd"))]),
    image(layers=[without(descriptor(), "mediaType")]),
    image(layers=[descriptor(digest=Digest.of(b"x", "sha512"))]),
    image(**{"org.example.custom": {"anything": [1, 2.5, None, True]}}),
    image(annotations={"org.opencontainers.image.title": "é ✓ 😀"}, subject=None),
    image(annotations=None),
    index(),
    index(manifests=None),
    index(descriptor(media_type=OCI_MANIFEST, platform={"os": "unknown", "architecture": "unknown"})),
    index(
        descriptor(
            media_type=OCI_MANIFEST,
            platform={"os": "windows", "architecture": "amd64", "os.version": "10.0", "os.features": ["win32k"]},
        )
    ),
    index(descriptor(media_type=OCI_INDEX), annotations={"a": "b"}),
    index(descriptor(media_type=OCI_MANIFEST, annotations={"a": "b"}), mediaType=DOCKER_LIST),
    index(descriptor(media_type=DOCKER_MANIFEST)),
    index(descriptor(b"", OCI_MANIFEST)),
    index(subject=descriptor(media_type=OCI_MANIFEST), artifactType="application/vnd.example"),
]


@pytest.mark.parametrize("document", ACCEPTED)
def test_what_is_accepted(document: Json) -> None:
    assert document["mediaType"] == parse(document, document["mediaType"]).media_type


def test_an_empty_layer_is_a_blob_like_any_other() -> None:
    assert (EMPTY_JSON, EMPTY_BLOB) == parse(image(layers=[descriptor(b"")])).required_blobs


def test_an_index_needs_its_manifests() -> None:
    amd64, arm64 = (descriptor(data, OCI_MANIFEST, platform={"os": "linux"}) for data in (b"amd64", b"arm64"))
    manifest = parse(index(amd64, arm64, amd64, descriptor(b"nested", OCI_INDEX)))
    assert digests(b"amd64", b"arm64", b"nested") == tuple(child.digest for child in manifest.children)
    assert {"os": "linux"} == manifest.children[0].platform
    assert 4 == len(manifest.manifests)
    assert () == manifest.required_blobs
    assert manifest.referrer_type is None


def test_a_platform_is_made_of_texts() -> None:
    platform = {"os": "windows", "os.features": ["win32k"], "weight": 1.5, "nested": {"a": []}, "mixed": ["a", 1]}
    document = index(descriptor(media_type=OCI_MANIFEST, platform=platform))
    (child,) = manifests.parse(json.dumps(document).replace("1.5", "1e999").encode()).children
    assert {"os": "windows", "os.features": ["win32k"]} == child.platform


def test_buildkits_cache_is_an_index_of_blobs() -> None:
    manifest = parse(index(descriptor(b"layer"), descriptor(b"config", "application/vnd.buildkit.cacheconfig.v0")))
    assert () == manifest.children
    assert digests(b"layer", b"config") == manifest.required_blobs


def test_a_referrer_has_a_subject_and_a_type() -> None:
    subject = descriptor(b"subject", OCI_MANIFEST)
    manifest = parse(image(subject=subject, artifactType="application/vnd.example.sbom", annotations={"a": "b"}))
    assert manifest.subject is not None
    assert subject["digest"] == manifest.subject.digest
    assert "application/vnd.example.sbom" == manifest.referrer_type
    assert {"a": "b"} == manifest.annotations
    assert subject["digest"] not in manifest.required_blobs
    assert OCI_CONFIG == parse(image(subject=subject)).referrer_type


def test_a_large_index_is_read() -> None:
    children = [descriptor(b"%d" % number, OCI_MANIFEST) for number in range(10_000)]
    assert 10_000 == len(parse(index(*children)).children)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(OCI_INDEX, OCI_INDEX), (f" {OCI_INDEX.upper()} ; q=0.5", OCI_INDEX), ("", ""), (";", ""), ("*/*", "*/*")],
)
def test_the_media_type_of_a_header(header: str, expected: str) -> None:
    assert expected == from_header(header)


# Whatever comes ----------------------------------------------------------------------------------------------------

texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=10
)
descriptors = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from([LAYER, OCI_MANIFEST, OCI_INDEX, ""]) | documents,
        "digest": st.just(Digest.of(b"x")) | st.just(EMPTY_JSON) | documents,
        "size": st.just(1) | st.integers() | documents,
        "urls": st.lists(texts) | documents,
        "data": st.just("eA==") | documents,
        "platform": st.dictionaries(texts, scalars) | documents,
        "annotations": st.dictionaries(texts, texts) | documents,
        "artifactType": documents,
    },
)
lists = st.lists(descriptors, max_size=3) | documents
almost_manifests = st.fixed_dictionaries(
    {"schemaVersion": st.just(2) | documents},
    optional={
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST]) | documents,
        "config": descriptors | documents,
        "layers": lists,
        "manifests": lists,
        "subject": descriptors | documents,
        "annotations": st.dictionaries(texts, texts) | documents,
        "artifactType": documents,
        "Layers": documents,
    },
)
content_types = st.none() | st.sampled_from([OCI_MANIFEST, OCI_INDEX, "application/json"]) | texts


@given(almost_manifests | documents, content_types)
@example(image(layers=[descriptor(platform={"a": float("nan")})]), None)
def test_any_document_is_a_manifest_or_invalid(document: object, content_type: str | None) -> None:
    try:
        manifest = parse(document, content_type)
    except ManifestInvalid:
        return
    # What was understood can be kept by a database and written out again.
    kept = [manifest.annotations, manifest.referrer_type, manifest.subject, manifest.config, manifest.manifests]
    json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    assert {child.digest for child in manifest.children} <= {each.digest for each in manifest.manifests}


@given(st.binary(), content_types)
def test_any_bytes_are_a_manifest_or_invalid(body: bytes, content_type: str | None) -> None:
    with pytest.raises(ManifestInvalid):
        manifests.parse(body, content_type)


@given(st.lists(st.binary(max_size=3), max_size=5), st.dictionaries(texts, texts, max_size=3))
def test_an_image_comes_back_as_it_was_written(layers: list[bytes], annotations: dict[str, str]) -> None:
    annotations = {name.replace("\0", ""): text.replace("\0", "") for name, text in annotations.items()}
    manifest = parse(image(layers=[descriptor(layer) for layer in layers], annotations=annotations))
    assert [(Digest.of(layer), len(layer)) for layer in layers] == [
        (layer.digest, layer.size_bytes) for layer in manifest.layers
    ]
    assert annotations == manifest.annotations
