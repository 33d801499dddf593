"""Upload sessions (registry-protocol A and B.3)."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.world import Account, Client, Response, World
from tests.world.client import Disconnect
from wharf.access.grants import Role
from wharf.content.repositories import Repository
from wharf.oci.digest import EMPTY_BLOB, Digest

DATA = bytes(range(256)) * 20
DIGEST = Digest.of(DATA)
UPLOADS = "/v2/ada/app/blobs/uploads/"

pytestmark = pytest.mark.usefixtures("repository")


async def _open(client: Client) -> str:
    response = await client.post(UPLOADS)
    assert 202 == response.status
    return response.headers["location"]


async def _stored(client: Client, digest: str) -> bytes:
    response = await client.get(f"/v2/ada/app/blobs/{digest}")
    assert 200 == response.status
    return response.body


def _is_progress(response: Response, location: str, received: str) -> None:
    assert location == response.headers["location"]
    assert received == response.headers["range"]
    assert location.endswith(response.headers["docker-upload-uuid"])


@pytest.mark.parametrize("path", [UPLOADS, UPLOADS.rstrip("/")])
@pytest.mark.parametrize("options", [{}, {"body": b""}, {"chunks": []}])
async def test_a_session_is_opened(client: Client, path: str, options: dict[str, Any]) -> None:
    response = await client.post(path, **options)
    assert 202 == response.status
    _is_progress(response, response.headers["location"], "0-0")
    assert response.headers["location"].startswith(UPLOADS)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_session_tells_how_much_has_arrived(client: Client, method: str) -> None:
    location = await _open(client)
    response = await client.request(method, location)
    assert 204 == response.status
    _is_progress(response, location, "0-0")
    await client.patch(location, body=b"12345")
    _is_progress(await client.request(method, location), location, "0-4")


async def test_a_blob_in_one_put(client: Client) -> None:
    location = await _open(client)
    response = await client.put(f"{location}?digest={DIGEST}", body=DATA)
    assert 201 == response.status
    assert f"/v2/ada/app/blobs/{DIGEST}" == response.headers["location"]
    assert DIGEST == response.headers["docker-content-digest"]
    assert (await client.get(response.headers["location"])).body == DATA


async def test_a_blob_in_one_post(client: Client) -> None:
    response = await client.post(f"{UPLOADS}?digest={DIGEST}", body=DATA)
    assert 201 == response.status
    assert f"/v2/ada/app/blobs/{DIGEST}" == response.headers["location"]
    assert DATA == await _stored(client, DIGEST)


async def test_a_blob_in_chunks(client: Client) -> None:
    location = await _open(client)
    for start, end in ((0, 1000), (1000, 3000), (3000, 5120)):
        response = await client.patch(location, body=DATA[start:end], headers={"content-range": f"{start}-{end - 1}"})
        assert 202 == response.status
        _is_progress(response, location, f"0-{end - 1}")
    assert 201 == (await client.put(f"{location}?digest={DIGEST}")).status
    assert DATA == await _stored(client, DIGEST)


async def test_the_last_chunk_may_come_with_the_put(client: Client) -> None:
    location = await _open(client)
    await client.patch(location, body=DATA[:4000], headers={"content-range": "0-3999"})
    response = await client.put(f"{location}?digest={DIGEST}", body=DATA[4000:], headers={"content-range": "4000-5119"})
    assert 201 == response.status
    assert DATA == await _stored(client, DIGEST)


async def test_a_streamed_chunk_has_neither_length_nor_range(client: Client) -> None:
    location = await _open(client)
    response = await client.patch(location, chunks=[DATA[:100], b"", DATA[100:]])
    assert (202, "0-5119") == (response.status, response.headers["range"])
    assert 201 == (await client.put(f"{location}?digest={DIGEST}", chunks=[])).status
    assert DATA == await _stored(client, DIGEST)


async def test_a_streamed_put(client: Client) -> None:
    location = await _open(client)
    assert 201 == (await client.put(f"{location}?digest={DIGEST}", chunks=[DATA[:7], DATA[7:]])).status


@pytest.mark.parametrize("text", ["0-4", "bytes 0-4/*", "bytes 0-4/5", "bytes=0-4"])
async def test_spellings_of_content_range(client: Client, text: str) -> None:
    location = await _open(client)
    response = await client.patch(location, body=b"12345", headers={"content-range": text})
    assert 202 == response.status


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize(
    ("text", "size"),
    [("10-14", 5), ("0-4", 5), ("4-8", 5), ("5-8", 5), ("5-20", 5), ("999999999999999999-999999999999999999", 1)],
)
async def test_a_chunk_out_of_order_is_refused_and_the_session_goes_on(
    client: Client, method: str, text: str, size: int
) -> None:
    location = await _open(client)
    await client.patch(location, body=DATA[:5])
    url = f"{location}?digest={DIGEST}" if method == "PUT" else location
    response = await client.request(method, url, body=b"x" * size, headers={"content-range": text})
    assert 416 == response.status
    assert ["RANGE_INVALID"] == response.codes
    assert "0-4" == response.headers["range"]
    assert location == response.headers["location"]
    assert "0-4" == (await client.get(location)).headers["range"]
    assert 201 == (await client.put(f"{location}?digest={DIGEST}", body=DATA[5:])).status


@pytest.mark.parametrize("text", ["", "5", "a-b", "9-5", "-5", "0-", "bytes */5", "0-4, 5-9"])
async def test_a_malformed_content_range_is_refused(client: Client, text: str) -> None:
    location = await _open(client)
    response = await client.patch(location, body=b"12345", headers={"content-range": text})
    assert (416, ["RANGE_INVALID"]) == (response.status, response.codes)
    assert "0-0" == (await client.get(location)).headers["range"]


async def test_an_empty_chunk_is_legal(client: Client) -> None:
    location = await _open(client)
    assert 202 == (await client.patch(location, body=b"")).status
    assert 202 == (await client.patch(location, chunks=[])).status
    assert "0-0" == (await client.get(location)).headers["range"]


async def test_a_blob_may_be_empty(client: Client) -> None:
    location = await _open(client)
    assert 201 == (await client.put(f"{location}?digest={EMPTY_BLOB}")).status
    assert 201 == (await client.post(f"{UPLOADS}?digest={EMPTY_BLOB}")).status
    assert b"" == await _stored(client, EMPTY_BLOB)


@pytest.mark.parametrize(
    "appended", ["?digest={}", "&digest={}", "?digest={escaped}", "&digest={escaped}", "?a=b&digest={}", "?digest={}&x"]
)
async def test_however_a_client_appends_its_digest(client: Client, appended: str) -> None:
    location = await _open(client)
    url = location + appended.format(DIGEST, escaped=DIGEST.replace(":", "%3A"))
    assert 201 == (await client.put(url, body=DATA)).status


@pytest.mark.parametrize("query", ["", "?digest", "?digest=", "?digest=sha256:abc", "?digest=md5:" + "a" * 32,
                                   "?digest=SHA256:" + "a" * 64, "?digest=sha256:" + "A" * 64])  # fmt: skip
async def test_a_put_needs_a_digest(client: Client, query: str) -> None:
    location = await _open(client)
    response = await client.put(location + query, body=DATA)
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)
    assert 201 == (await client.put(f"{location}?digest={DIGEST}", body=DATA)).status


async def test_wrong_bytes_end_the_session(client: Client) -> None:
    location = await _open(client)
    response = await client.put(f"{location}?digest={DIGEST}", body=b"something else")
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)
    assert DIGEST == response.json["errors"][0]["detail"]["expected"]
    assert 404 == (await client.get(location)).status
    response = await client.post(f"{UPLOADS}?digest={DIGEST}", body=b"something else")
    assert (400, ["DIGEST_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(f"/v2/ada/app/blobs/{DIGEST}")).status


async def test_a_repeated_put_is_a_success_again(client: Client) -> None:
    location = await _open(client)
    for body in (DATA, DATA, b""):
        response = await client.put(f"{location}?digest={DIGEST}", body=body)
        assert 201 == response.status
        assert f"/v2/ada/app/blobs/{DIGEST}" == response.headers["location"]


async def test_a_cancelled_session_is_gone(client: Client) -> None:
    location = await _open(client)
    await client.patch(location, body=b"12345")
    assert 204 == (await client.delete(location)).status
    for method, url in (("GET", location), ("PATCH", location), ("PUT", f"{location}?digest={DIGEST}")):
        response = await client.request(method, url, body=None if method == "GET" else DATA)
        assert (404, ["BLOB_UPLOAD_UNKNOWN"]) == (response.status, response.codes)
    assert 404 == (await client.delete(location)).status


async def test_a_session_expires(world: World, client: Client) -> None:
    location = await _open(client)
    world.pass_time(seconds=world.config.upload_ttl_seconds + 1)
    assert 404 == (await client.get(location)).status


@pytest.mark.parametrize("id", ["0" * 32, "x", "..", "%00", "a%2Fb", "é", "0" * 3000])
async def test_an_unknown_session(client: Client, id: str) -> None:
    response = await client.get(UPLOADS + id)
    assert 404 == response.status
    assert response.codes in (["BLOB_UPLOAD_UNKNOWN"], ["UNSUPPORTED"], ["NAME_UNKNOWN"])


async def test_a_session_is_its_owners_and_its_repositorys(
    world: World, ada: Account, client: Client, repository: Repository
) -> None:
    eve = await world.user("eve")
    await world.grant(repository, Role.WRITE, eve)
    await world.repository("ada/other", by=ada)
    location = await _open(client)
    elsewhere = location.replace("ada/app", "ada/other")
    for someone, path in ((world.client(eve), location), (client, elsewhere)):
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            response = await someone.request(method, f"{path}?digest={DIGEST}")
            assert (404, ["BLOB_UPLOAD_UNKNOWN"]) == (response.status, response.codes)
    assert 204 == (await client.get(location)).status


async def test_what_arrived_before_the_client_hung_up_is_kept(client: Client) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:1000]
        yield DATA[1000:2000]
        yield b"lost with the connection"  # handed over together with the end of the iteration
        raise Disconnect

    location = await _open(client)
    await client.patch(location, chunks=broken)
    received = (await client.get(location)).headers["range"]
    assert received == "0-1999"
    assert 201 == (await client.put(f"{location}?digest={DIGEST}", body=DATA[2000:])).status


async def test_a_put_that_breaks_off_commits_nothing(client: Client) -> None:
    location = await _open(client)
    short = Digest.of(DATA[:1000])

    async def broken() -> AsyncIterator[bytes]:
        yield DATA[:1000]
        raise Disconnect

    response = await client.put(f"{location}?digest={short}", chunks=broken)
    assert (400, ["SIZE_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(f"/v2/ada/app/blobs/{short}")).status
    assert "0-999" == (await client.get(location)).headers["range"]


async def test_fewer_bytes_than_announced_are_not_a_whole_blob(client: Client) -> None:
    location = await _open(client)
    short = Digest.of(DATA[:1000])
    response = await client.put(f"{location}?digest={short}", chunks=[DATA[:1000]], headers={"content-length": "5120"})
    assert (400, ["SIZE_INVALID"]) == (response.status, response.codes)
    assert 404 == (await client.get(f"/v2/ada/app/blobs/{short}")).status


async def test_two_writers_never_interleave(world: World, ada: Account, client: Client) -> None:
    location = await _open(client)
    other = world.client(ada)
    assert 202 == (await client.patch(location, body=b"")).status  # signs in

    async def slow() -> AsyncIterator[bytes]:
        yield DATA[:1000]
        assert 202 == (await other.patch(location, body=b"b" * 500)).status
        yield DATA[1000:2000]

    response = await client.patch(location, chunks=slow)
    assert (416, "0-499") == (response.status, response.headers["range"])
    assert 201 == (await client.put(f"{location}?digest={Digest.of(b'b' * 500)}")).status


async def test_another_replica_can_go_on(world: World, ada: Account, client: Client) -> None:
    location = await _open(client)
    await client.patch(location, body=DATA[:3000])
    replica = await World.build(world.database, world.storage_folder)
    elsewhere = replica.client(ada)
    assert "0-2999" == (await elsewhere.get(location)).headers["range"]
    assert 201 == (await elsewhere.put(f"{location}?digest={DIGEST}", body=DATA[3000:])).status
    assert DATA == await _stored(client, DIGEST)


async def test_sha512_is_found_out_with_the_put(client: Client) -> None:
    digest = Digest.of(DATA, "sha512")
    location = await _open(client)
    await client.patch(location, body=DATA)
    response = await client.put(f"{location}?digest={digest}")
    assert (201, digest) == (response.status, response.headers["docker-content-digest"])
    assert DATA == await _stored(client, digest)
    assert 201 == (await client.post(f"{UPLOADS}?digest={digest}", body=DATA)).status


@pytest.mark.parametrize(
    ("algorithm", "status"), [("sha256", 202), ("sha512", 202), ("md5", 400), ("", 400), ("sha256:abc", 400)]
)
async def test_an_algorithm_that_we_do_not_have_is_refused_at_once(client: Client, algorithm: str, status: int) -> None:
    response = await client.post(f"{UPLOADS}?digest-algorithm={algorithm}")
    assert status == response.status
    if status == 400:
        assert ["DIGEST_INVALID"] == response.codes


async def test_an_upload_may_outlive_its_token(world: World, ada: Account, client: Client) -> None:
    challenge = (await client.send("POST", UPLOADS)).challenge
    token = await client.token(challenge)
    location = (await client.send("POST", UPLOADS, token=token)).headers["location"]
    world.pass_time(hours=3)
    assert 401 == (await client.send("POST", UPLOADS, token=token)).status
    assert 202 == (await client.send("PATCH", location, body=DATA, token=token)).status
    assert 204 == (await client.send("GET", location, token=token)).status
    assert 201 == (await client.send("PUT", f"{location}?digest={DIGEST}", token=token)).status
    again = await _open(client)
    assert 204 == (await client.send("DELETE", again, token=token)).status


async def test_an_expired_token_of_somebody_else_opens_nothing(
    world: World, client: Client, repository: Repository
) -> None:
    location = await _open(client)
    eve = await world.user("eve")
    await world.grant(repository, Role.WRITE, eve)
    token = await world.client(eve).token((await world.client(eve).send("POST", UPLOADS)).challenge)
    world.pass_time(hours=1)
    assert 404 == (await world.client(eve).send("PATCH", location, body=DATA, token=token)).status


async def test_the_first_push_creates_the_repository(world: World, client: Client) -> None:
    assert 404 == (await client.get("/v2/ada/new/tags/list")).status
    assert 202 == (await client.post("/v2/ada/new/blobs/uploads/")).status
    assert 200 == (await client.get("/v2/ada/new/tags/list")).status
    assert 401 == (await world.client().send("GET", "/v2/ada/new/tags/list")).status


async def test_a_push_creates_nothing_where_that_is_not_wanted_or_not_allowed(world: World, ada: Account) -> None:
    strict = world.client(ada, application=world.surface(create_on_push=False))
    assert (404, ["NAME_UNKNOWN"]) == _outcome(await strict.post("/v2/ada/new/blobs/uploads/"))
    await world.user("eve")
    for name, outcome in (("eve/new", (403, ["DENIED"])), ("nobody/new", (404, ["NAME_UNKNOWN"]))):
        assert outcome == _outcome(await world.client(ada).post(f"/v2/{name}/blobs/uploads/"))


async def test_created_on_push_may_mean_public(world: World, ada: Account) -> None:
    client = world.client(ada, application=world.surface(default_visibility="public"))
    await client.post("/v2/ada/new/blobs/uploads/")
    assert 200 == (await world.client().send("GET", "/v2/ada/new/tags/list")).status


def _outcome(response: Response) -> tuple[int, list[str]]:
    return response.status, response.codes
