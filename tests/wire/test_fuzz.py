"""Hostile requests: whatever comes in, what goes out is an answer of the protocol and never a failure of ours."""

import json
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.world import Account, Client, Response, World
from tests.world.world import descriptor, image, index
from wharf.content.repositories import Repository
from wharf.oci import media_types
from wharf.oci.digest import Digest

# A world is made once for all examples of a test: what one leaves behind is the next one's luck.
_EXAMPLES = 1000 if os.environ.get("CI") == "true" else 60
fuzz = settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DATA = bytes(range(200))
DIGEST = Digest.of(DATA)

TEXT = st.text(max_size=40)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "", "\x00"])
DIGESTS = st.sampled_from([DIGEST, Digest.of(DATA, "sha512"), "sha256:" + "a" * 64, "sha512:" + "b" * 128]) | st.builds(
    "{}:{}".format,
    st.sampled_from(["sha256", "sha512", "SHA256", "md5", "a+b.c", ""]),
    st.text("0123456789abcdefABCDEFg=", max_size=140),
)
NAMES = st.sampled_from(["ada/app", "ada/open", "ada/new", "eve/x", "app", "ada//app", "..", "ADA/app"]) | TEXT
REFERENCES = st.sampled_from(["latest", "absent", "x" * 129]) | DIGESTS | TEXT
SEGMENTS = NAMES | REFERENCES | st.sampled_from(["blobs", "manifests", "tags", "uploads", "referrers", "list", "", "."])
PATHS = st.one_of(
    st.builds("/v2/{}/manifests/{}".format, NAMES, REFERENCES),
    st.builds("/v2/{}/blobs/{}".format, NAMES, REFERENCES),
    st.builds("/v2/{}/blobs/uploads/{}".format, NAMES, st.just("") | TEXT | st.just("0" * 32)),
    st.builds("/v2/{}/referrers/{}".format, NAMES, REFERENCES),
    st.builds("/v2/{}/tags/list".format, NAMES),
    st.sampled_from(["/v2/", "/v2", "/v2/auth", "/v2/_catalog", "/v2/_oci/ext/discover", "/v2/%", "/v2/%zz%00"]),
    st.lists(SEGMENTS, max_size=6).map(lambda segments: "/v2/" + "/".join(segments)),
)
VALUES = st.sampled_from(["1", "0", "-1", "99999999999999999999", "ada/app", "latest"]) | DIGESTS | TEXT
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["n", "last", "digest", "mount", "from", "tag", "ns", "artifactType", "digest-algorithm"])
        | st.sampled_from(["scope", "service", "account", "offline_token", "", "x"]),
        VALUES | st.sampled_from(["sha256", "repository:ada/app:pull,push", "registry:catalog:*", "a:b:c:d"]),
    ),
    max_size=4,
)
NUMBERS = st.integers(-5, 250).map(str) | st.integers(10**15, 10**40).map(str) | st.just("")
RANGES = st.one_of(
    st.builds("bytes={}-{}".format, NUMBERS, NUMBERS),
    st.builds("{}-{}".format, NUMBERS, NUMBERS),
    st.builds("bytes {}-{}/{}".format, NUMBERS, NUMBERS, NUMBERS | st.just("*")),
    st.lists(st.builds("{}-{}".format, NUMBERS, NUMBERS), max_size=3).map(lambda parts: "bytes=" + ",".join(parts)),
)
LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)
HEADERS = st.dictionaries(
    st.sampled_from(["range", "content-range", "if-range", "if-none-match", "accept", "content-type", "content-length"])
    | st.sampled_from(["host", "origin", "expect", "transfer-encoding", "x-forwarded-proto", "cookie"]),
    LATIN | RANGES | DIGESTS.filter(str.isascii) | st.sampled_from(sorted(media_types.MANIFESTS)),
    max_size=4,
)
AUTHORIZATIONS = st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer", "basic", "", "Digest"]), LATIN) | LATIN
BODIES = st.sampled_from([b"", b"{}", DATA, json.dumps(index()).encode()]) | st.binary(max_size=300)


@pytest.fixture
async def root(world: World, ada: Account, repository: Repository) -> Client:
    """A superuser's client, which no permission keeps from any code; with some content to meet."""
    await world.push_blob(repository, b"{}", by=ada)
    await world.push_blob(repository, DATA, by=ada)
    await world.push_manifest(repository, image(DATA), "latest", by=ada)
    await world.repository("ada/open", by=ada, public=True)
    account = await world.user("root", superuser=True)
    return world.client(account)


def _url(path: str, query: list[tuple[str, str]]) -> str:
    pairs = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)
    return quote(path, safe="/:%") + ("?" + pairs if query else "")


def _check(response: Response, method: str) -> None:
    assert response.status < 500
    assert b"Traceback" not in response.body
    assert b"/src/" not in response.body
    if response.status >= 400 and method != "HEAD":
        assert response.codes


@fuzz
@given(METHODS, PATHS, QUERIES, HEADERS, BODIES, st.booleans())
async def test_any_request(
    root: Client,
    method: str,
    path: str,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    chunked: bool,  # noqa: FBT001
) -> None:
    content: dict[str, Any] = {"chunks": [body[:50], body[50:]]} if chunked else {"body": body}
    response = await root.send(method, _url(path, query), headers={**root.basic, **headers}, **content)
    _check(response, method)


@fuzz
@given(METHODS, PATHS, QUERIES, AUTHORIZATIONS)
async def test_any_credentials(
    root: Client, method: str, path: str, query: list[tuple[str, str]], authorization: str
) -> None:
    response = await root.send(method, _url(path, query), headers={"authorization": authorization})
    _check(response, method)
    assert response.status >= 400 or method == "OPTIONS", "nobody gets in by chance"


@fuzz
@given(st.sampled_from(["GET", "HEAD"]), RANGES | LATIN, RANGES | LATIN)
async def test_any_range(root: Client, method: str, wanted: str, condition: str) -> None:
    headers = {**root.basic, "range": wanted, "if-range": condition}
    for sent in (headers, {key: value for key, value in headers.items() if key != "if-range"}):
        response = await root.send(method, f"/v2/ada/app/blobs/{DIGEST}", headers=sent)
        _check(response, method)
        if response.status == 206:
            start, end = map(int, response.headers["content-range"].removeprefix("bytes ").partition("/")[0].split("-"))
            assert DATA[start : end + 1] == response.body
        elif method == "GET" and response.status == 200:
            assert DATA == response.body


@fuzz
@given(st.lists(st.tuples(RANGES | LATIN, BODIES), max_size=4), DIGESTS | TEXT)
async def test_any_upload(root: Client, chunks: list[tuple[str, bytes]], digest: str) -> None:
    location = (await root.send("POST", "/v2/ada/app/blobs/uploads/", headers=root.basic)).headers["location"]
    received = b""
    for place, body in chunks:
        headers = {**root.basic, "content-range": place}
        response = await root.send("PATCH", location, headers=headers, body=body)
        _check(response, "PATCH")
        if response.status == 202:
            received += body
        assert f"0-{max(len(received) - 1, 0)}" == response.headers.get("range", f"0-{max(len(received) - 1, 0)}")
    response = await root.send("PUT", _url(location, [("digest", digest)]), headers=root.basic)
    _check(response, "PUT")
    assert (response.status == 201) == (digest in {Digest.of(received), Digest.of(received, "sha512")})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | DIGESTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
DESCRIPTORS = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from([*sorted(media_types.MANIFESTS), media_types.EMPTY]) | JSON,
        "digest": st.just(DIGEST) | DIGESTS | JSON,
        "size": st.just(len(DATA)) | JSON,
        "urls": JSON,
        "data": JSON,
        "annotations": JSON,
        "platform": JSON,
        "artifactType": JSON,
    },
) | st.just(descriptor(DATA, media_types.OCTET_STREAM))
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "schemaVersion": st.sampled_from([2, 2, 2, 1, "2", 2.0]) | JSON,
        "mediaType": st.sampled_from(sorted(media_types.MANIFESTS)) | JSON,
        "config": DESCRIPTORS | JSON,
        "layers": st.lists(DESCRIPTORS, max_size=3) | JSON,
        "manifests": st.lists(DESCRIPTORS, max_size=3) | JSON,
        "subject": DESCRIPTORS | JSON,
        "annotations": st.dictionaries(TEXT, TEXT, max_size=3) | JSON,
        "artifactType": JSON,
        "\u0000": JSON,
    },
)
TYPES = st.sampled_from([*sorted(media_types.MANIFESTS), *sorted(media_types.SCHEMA1), "application/json", ""]) | LATIN


def _written(indent: int) -> Callable[[Any], bytes]:
    return lambda document: json.dumps(document, indent=indent).encode("utf-8", "surrogatepass")


@fuzz
@given(DOCUMENTS.map(_written(1)) | JSON.map(_written(0)) | st.binary(max_size=200), TYPES, REFERENCES, QUERIES)
async def test_any_manifest(
    root: Client, body: bytes, content_type: str, reference: str, query: list[tuple[str, str]]
) -> None:
    url = _url(f"/v2/ada/app/manifests/{reference}", query)
    response = await root.send("PUT", url, body=body, headers={**root.basic, "content-type": content_type})
    _check(response, "PUT")
    if response.status == 201:
        stored = await root.send("GET", response.headers["location"], headers=root.basic)
        assert body == stored.body
        if subject := response.headers.get("oci-subject"):
            listed = await root.send("GET", f"/v2/ada/app/referrers/{subject}", headers=root.basic)
            _check(listed, "GET")
            assert response.headers["docker-content-digest"] in {each["digest"] for each in listed.json["manifests"]}


@fuzz
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["grant_type", "username", "password", "refresh_token", "scope", "service", "access_type"]),
            st.sampled_from(["password", "refresh_token", "root", "repository:ada/app:pull"]) | TEXT,
        ),
        max_size=6,
    )
    | BODIES
)
async def test_any_form(root: Client, form: list[tuple[str, str]] | bytes) -> None:
    body = form if isinstance(form, bytes) else _url("", form).removeprefix("?").encode()
    response = await root.send("POST", "/v2/auth", body=body)
    _check(response, "POST")
    assert response.status in {400, 401, 429}
