"""What only an object store does: signed redirects, multipart uploads that stay behind, a network that fails."""

import io
import socket
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.contracts.storage.content import KEY, KIB, MIB, all_of, body, cut, keys, published, some, staged
from tests.contracts.storage.network import lossy_network
from tests.servers import free_port
from tests.servers.s3 import DOMAIN, SECRET_KEY, S3Server
from wharf.config import Networks, S3Config
from wharf.storage import Redirect, Stage, StorageUnavailable, Stream
from wharf.storage.s3 import S3Storage, client, driver
from wharf.storage.s3.multipart import Multipart

pytestmark = pytest.mark.s3
FUTURE = timedelta(minutes=1)


@asynccontextmanager
async def opened(config: S3Config) -> AsyncIterator[S3Storage]:
    storage = await S3Storage.open_(config)
    try:
        yield storage
    finally:
        await storage.close()


async def redirect(storage: S3Storage, key: str = KEY, client_ip: str | None = "198.51.100.7") -> Redirect:
    size = await storage.stat(key)
    answer = await storage.serve(key, size_bytes=size or 0, client_ip=client_ip)
    assert isinstance(answer, Redirect)
    return answer


async def test_a_redirect_leads_to_the_bytes_without_credentials(s3: S3Server) -> None:
    data = some(9 * MIB)
    async with opened(s3.bucket()) as storage, httpx.AsyncClient() as web:
        await published(storage, data)
        answer = await redirect(storage)
        whole = await web.get(answer.url)
        assert (200, data) == (whole.status_code, whole.content)
        assert "application/octet-stream" == whole.headers["Content-Type"]
        # What clients add as they like is not signed.
        part = await web.get(answer.url, headers={"Range": "bytes=100-199", "Accept": "text/x-anything"})
        assert (206, data[100:200]) == (part.status_code, part.content)


async def test_a_redirect_signs_the_host_alone_and_tells_no_secret(s3: S3Server) -> None:
    async with opened(s3.bucket(redirect_ttl_seconds=90)) as storage:
        await published(storage, b"x")
        before = datetime.now(UTC)
        answer = await redirect(storage)
    query = parse_qs(urlsplit(answer.url).query)
    assert ["host"] == query["X-Amz-SignedHeaders"]
    assert ["90"] == query["X-Amz-Expires"]
    assert before <= answer.expires_at - timedelta(seconds=90) <= datetime.now(UTC)
    assert SECRET_KEY not in answer.url


async def test_a_redirect_is_signed_again_long_before_it_expires(s3: S3Server) -> None:
    async with opened(s3.bucket(redirect_ttl_seconds=90)) as storage:
        await published(storage, b"x")
        first = await redirect(storage)
        assert first is await redirect(storage)
        storage._signed[KEY] = replace(first, expires_at=first.expires_at - timedelta(seconds=30))
        again = await redirect(storage)
        assert again.expires_at >= first.expires_at


async def test_few_redirects_are_remembered(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_REUSED_COUNT", 3)
    async with opened(s3.bucket()) as storage:
        for number in range(5):
            await storage.serve(f"{KEY}{number}", size_bytes=1)
            assert len(storage._signed) <= 3


@pytest.mark.parametrize("change", [("X-Amz-Expires=1200", "X-Amz-Expires=9999"), ("ab" * 32, "cd" * 32)])
async def test_a_redirect_cannot_be_changed(s3: S3Server, change: tuple[str, str]) -> None:
    async with opened(s3.bucket()) as storage, httpx.AsyncClient() as web:
        await published(storage, b"x")
        url = (await redirect(storage)).url
        assert change[0] in url
        assert 403 == (await web.get(url.replace(*change))).status_code


async def test_a_redirect_of_joined_stages(s3: S3Server) -> None:
    async with opened(s3.bucket()) as storage, httpx.AsyncClient() as web:
        await storage.compose([await staged(storage, b"ab"), await staged(storage, b"cd")], KEY)
        got = await web.get((await redirect(storage)).url)
    assert (b"abcd", "application/octet-stream") == (got.content, got.headers["Content-Type"])


async def test_zero_bytes_are_never_redirected(s3: S3Server) -> None:
    async with opened(s3.bucket()) as storage:
        await storage.compose([], KEY)
        assert Stream() == await storage.serve(KEY, size_bytes=0, client_ip="198.51.100.7")


async def test_redirects_can_be_turned_off(s3: S3Server) -> None:
    async with opened(s3.bucket(redirect=False)) as storage:
        await published(storage, b"x")
        assert Stream() == await storage.serve(KEY, size_bytes=1, client_ip="198.51.100.7")


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.1.2.3", Stream),
        ("::ffff:10.1.2.3", Stream),
        ("2001:db8::1", Stream),
        ("11.1.2.3", Redirect),
        ("2001:db9::1", Redirect),
        ("not an address", Redirect),
        (None, Redirect),
    ],
)
async def test_redirects_can_be_turned_off_for_a_network(s3: S3Server, address: str | None, kind: type) -> None:
    networks = Networks.parse(["10.0.0.0/8", "2001:db8::/32"])
    async with opened(s3.bucket(no_redirect_networks=networks)) as storage:
        await published(storage, b"x")
        answer = await storage.serve(KEY, size_bytes=1, client_ip=address)
    assert isinstance(answer, kind)


async def test_clients_may_know_the_store_by_another_url(s3: S3Server) -> None:
    config = s3.bucket(public_endpoint=f"http://localhost:{s3.port}")
    async with opened(config) as storage, httpx.AsyncClient() as web:
        await published(storage, b"content")
        url = (await redirect(storage)).url
        assert "localhost" == urlsplit(url).hostname
        assert b"content" == (await web.get(url)).content


async def test_a_bucket_known_by_host_name(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    look_up: Callable[..., Any] = socket.getaddrinfo

    def ours(host: str | bytes | None, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        return look_up("127.0.0.1" if name.endswith(DOMAIN) else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", ours)
    config = s3.bucket(path_style=False, endpoint=f"http://{DOMAIN}:{s3.port}")
    async with opened(config) as storage, httpx.AsyncClient() as web:
        await storage.compose([await staged(storage, some(6 * MIB)), await staged(storage, b"x")], KEY)
        assert some(6 * MIB) + b"x" == await all_of(storage.open(KEY))
        url = (await redirect(storage)).url
        assert f"{config.bucket}.{DOMAIN}" == urlsplit(url).hostname
        assert some(6 * MIB) + b"x" == (await web.get(url)).content


@pytest.mark.parametrize("prefix", ["wharf", "/a/b/"])
async def test_a_bucket_shared_with_others(s3: S3Server, prefix: str) -> None:
    config = s3.bucket()
    async with opened(config) as other, opened(replace(config, prefix=prefix)) as storage:
        await published(other, b"not ours")
        await published(storage, b"ours")
        assert b"ours" == await all_of(storage.open(KEY))
        assert [KEY] == await keys(storage.list_("blobs/"))
        assert {KEY, f"{prefix.strip('/')}/{KEY}"} == set(await keys(other.list_("")))
        async with Multipart(other._client, config.bucket, "stages/theirs", "text/plain"):
            assert 0 == await storage.abort_unfinished(datetime.now(UTC) + FUTURE)
            assert 1 == await other.abort_unfinished(datetime.now(UTC) + FUTURE)


@pytest.mark.parametrize("parts", [0, 1])
@pytest.mark.parametrize("name", [KEY, "stages/" + "0" * 32])
async def test_what_a_killed_process_left_is_aborted_when_it_is_old(s3: S3Server, name: str, parts: int) -> None:
    config = s3.bucket()
    async with opened(config) as storage:
        left = await Multipart(storage._client, config.bucket, name, "text/plain").__aenter__()
        for number in range(parts):
            await left.send(number + 1, io.BytesIO(some(KIB)))
        assert 0 == await storage.abort_unfinished(datetime.now(UTC) - FUTURE)
        assert 1 == await storage.abort_unfinished(datetime.now(UTC) + FUTURE)
        assert 0 == await storage.abort_unfinished(datetime.now(UTC) + FUTURE)
        assert [] == await keys(storage.list_(""))


async def test_an_old_upload_that_still_receives_parts_is_left_alone(s3: S3Server) -> None:
    config = s3.bucket()
    async with opened(config) as storage:
        async with Multipart(storage._client, config.bucket, "stages/slow", "text/plain") as slow:
            await slow.send(1, io.BytesIO(some(KIB)))
            # As if begun a day ago: only the parts are young.
            assert not await storage._abort("stages/slow", slow._id, datetime.now(UTC) - FUTURE)
            await slow.complete()
        assert some(KIB) == await all_of(storage.open("stages/slow"))


class WantsEqualParts:
    """The client of a store with the rule of Cloudflare R2: all parts but the last, which is smaller, have one size."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._sizes: dict[str, dict[int, int]] = defaultdict(dict)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def upload_part(self, **told: Any) -> Any:
        self._sizes[told["UploadId"]][told["PartNumber"]] = len(told["Body"].getvalue())
        return await self._client.upload_part(**told)

    async def upload_part_copy(self, **told: Any) -> Any:
        first, last = map(int, told["CopySourceRange"].removeprefix("bytes=").split("-"))
        self._sizes[told["UploadId"]][told["PartNumber"]] = last - first + 1
        return await self._client.upload_part_copy(**told)

    async def complete_multipart_upload(self, **told: Any) -> Any:
        *sizes, last = (size for _, size in sorted(self._sizes[told["UploadId"]].items()))
        if len(set(sizes)) > 1 or max(sizes, default=last) < last:
            message = "All non-trailing parts must have the same length."
            raise ClientError({"Error": {"Code": "InvalidPart", "Message": message}}, "CompleteMultipartUpload")
        return await self._client.complete_multipart_upload(**told)


@pytest.mark.parametrize("sizes", [(6, 9), (20, 1, 20), (5, 6, 7), (16, 8), (30, 2)], ids=str)
async def test_a_store_that_wants_parts_of_one_size(s3: S3Server, sizes: tuple[int, ...]) -> None:
    async with opened(s3.bucket()) as storage:
        storage._client = cast("Any", WantsEqualParts(storage._client))
        bodies = [some(size * MIB, seed) for seed, size in enumerate(sizes)]
        await storage.compose([await staged(storage, data) for data in bodies], KEY)
        assert b"".join(bodies) == await all_of(storage.open(KEY))
        assert 0 == await storage.abort_unfinished(datetime.now(UTC) + FUTURE)


async def test_a_download_goes_on_where_the_connection_broke(s3: S3Server) -> None:
    data = some(3 * MIB)
    async with lossy_network(s3.port) as network:
        config = s3.bucket(endpoint=f"http://127.0.0.1:{network.port}")
        async with opened(config) as storage:
            await published(storage, data)
            network.cuts = [MIB, MIB // 2, 10]
            assert data == await all_of(storage.open(KEY))
            network.cuts = [MIB]
            assert data[100:-100] == await all_of(storage.open(KEY, 100, len(data) - 100))
            network.cuts = [KIB] * 50
            with pytest.raises(StorageUnavailable):
                await all_of(storage.open(KEY))


async def test_requests_are_repeated_when_the_answer_is_lost(s3: S3Server) -> None:
    async with lossy_network(s3.port) as network:
        config = s3.bucket(endpoint=f"http://127.0.0.1:{network.port}")
        async with opened(config) as storage:
            network.cuts = [0]
            stages = [await staged(storage, some(20 * MIB)), await staged(storage, b"x")]
            network.cuts = [0]
            await storage.compose(stages, KEY)
            network.cuts = [0]
            assert 20 * MIB + 1 == await storage.stat(KEY)
            network.cuts = [0]
            await storage.delete(KEY)
            assert await storage.stat(KEY) is None
        assert [] == network.cuts


async def test_a_store_that_does_not_answer_is_unavailable(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_ATTEMPTS", 1)
    async with opened(s3.bucket(endpoint=f"http://127.0.0.1:{free_port()}")) as storage:
        await every_call_is_unavailable(storage)


@pytest.mark.parametrize("wrong", [{"bucket": "no-such-bucket"}, {"secret_key": "wrong"}, {"access_key": "nobody"}])
async def test_a_store_that_refuses_us_is_unavailable(s3: S3Server, wrong: dict[str, str]) -> None:
    async with opened(s3.bucket(**wrong)) as storage:
        with pytest.raises(StorageUnavailable):
            await storage.check()
        for size in (1, 9 * MIB):
            with pytest.raises(StorageUnavailable):
                await staged(storage, some(size))
        with pytest.raises(StorageUnavailable):
            await all_of(storage.open(KEY))


async def every_call_is_unavailable(storage: S3Storage) -> None:
    stage = Stage("stages/x", 1)
    calls: list[Callable[[], Awaitable[object]]] = [
        storage.check,
        lambda: storage.stage(body(b"x")),
        lambda: storage.stage(body(*cut(some(20 * MIB), MIB))),
        lambda: storage.compose([stage], KEY),
        lambda: storage.compose([stage, stage], KEY),
        lambda: storage.compose([], KEY),
        lambda: storage.discard([stage]),
        lambda: all_of(storage.open(KEY)),
        lambda: all_of(storage.open_stage(stage)),
        lambda: storage.stat(KEY),
        lambda: storage.delete(KEY),
        lambda: keys(storage.list_("blobs/")),
        lambda: keys(storage.list_stages()),
        lambda: storage.abort_unfinished(datetime.now(UTC)),
    ]
    for call in calls:
        with pytest.raises(StorageUnavailable):
            await call()
