"""Blobs: `/v2/<name>/blobs/<digest>` (distribution-spec end-2, end-10).

A GET is answered by whoever does it best: the web server sends a file, the object store sends the bytes after a
redirect, or they stream through here. HEAD and empty blobs are always answered directly.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing
from urllib.parse import urlsplit

from wharf.access.actions import Action
from wharf.access.grants import Visibility
from wharf.content import blobs, repositories
from wharf.content.blobs import Blob
from wharf.content.errors import AccessDenied, BlobUnknown, RepositoryUnknown
from wharf.content.repositories import Repository
from wharf.kit.clock import utc_now
from wharf.oci import ranges
from wharf.oci.digest import Digest
from wharf.oci.ranges import Range
from wharf.storage.base import File, Redirect
from wharf.v2.errors import Header
from wharf.v2.request import Request

_OCTETS: Header = (b"content-type", b"application/octet-stream")
_RANGES: Header = (b"accept-ranges", b"bytes")
# Content under a digest never changes; what may change is who may see it.
_IMMUTABLE_PUBLIC: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_IMMUTABLE_PRIVATE: Header = (b"cache-control", b"private, max-age=31536000, immutable")


async def get(request: Request) -> None:
    """Send a blob or the part of it that a Range header asks for; HEAD tells about it and keeps it from collection."""
    digest = Digest.parse(request.argument)
    repository = await request.repository()
    blob = await blobs.find(request.parts.db, repository, digest)
    if blob is None:
        raise BlobUnknown(digest)
    if request.method == "HEAD" and blob.leased_until is not None:
        await _renew(request, repository, blob)
    headers = _headers(request, repository, blob)
    if matches(request.header(b"if-none-match"), digest):
        await request.respond(304, headers)
    elif request.method == "HEAD" or blob.size_bytes == 0:
        await request.respond(200, [*headers, _OCTETS, _RANGES], size_bytes=blob.size_bytes)
    else:
        await _send(request, blob, [*headers, _OCTETS, _RANGES])


async def delete(request: Request) -> None:
    """Take a blob out of the repository; its bytes are collected later, when no repository has it any more."""
    digest = Digest.parse(request.argument)
    repository = await request.repository()
    async with request.parts.db.write() as tx:
        await blobs.delete(tx, repository, digest, at=utc_now())
    await request.respond(202, [])


def blob_path(name: str, digest: Digest) -> bytes:
    """Where a blob is to be had."""
    return f"/v2/{name}/blobs/{digest}".encode()


def cache_control(request: Request, repository: Repository) -> Header:
    """For content under a digest: shared caches may keep what anybody may pull."""
    open_to_all = repository.visibility is Visibility.PUBLIC and request.parts.config.anonymous_access
    return _IMMUTABLE_PUBLIC if open_to_all else _IMMUTABLE_PRIVATE


def matches(header: str | None, digest: Digest) -> bool:
    """Whether an If-None-Match header names `digest` (RFC 9110 §13.1.2); clients write it with or without quotes."""
    if header is None:
        return False
    tags = (tag.strip().removeprefix("W/").strip('"') for tag in header.split(","))
    return any(tag in {digest, "*"} for tag in tags)


async def _renew(request: Request, repository: Repository, blob: Blob) -> None:
    """Who wants to push and hears that a blob is here will not upload it: it has to stay until its manifest comes."""
    principal = (await request.credentials()).principal
    try:
        await repositories.access(request.parts.db, principal, repository.name, Action.PUSH)
    except (RepositoryUnknown, AccessDenied):
        return  # a reader has no say in what is kept
    now = utc_now()
    await blobs.renew(request.parts.db, repository, blob, at=now, until=now + request.parts.blob_lease)


def _headers(request: Request, repository: Repository, blob: Blob) -> list[Header]:
    digest = blob.digest.encode()
    return [
        (b"docker-content-digest", digest),
        (b"etag", b'"%b"' % digest),
        cache_control(request, repository),
    ]


async def _send(request: Request, blob: Blob, headers: list[Header]) -> None:
    storage = request.parts.storage
    part = _part(request, blob)
    client = request.scope.get("client")
    answer = await storage.serve(blob.storage_key, size_bytes=blob.size_bytes, client_ip=client[0] if client else None)
    if isinstance(answer, Redirect) and _is_elsewhere(request, answer.url):
        headers = [header for header in headers if header[0] == b"docker-content-digest"]
        headers += [(b"location", answer.url.encode()), (b"cache-control", b"no-store")]
        await request.respond(307, headers)
        return
    start, end = part or (0, blob.size_bytes)
    headers.append((b"content-length", b"%d" % (end - start)))
    if part:
        headers.append((b"content-range", part.content_range(blob.size_bytes).encode()))
    elif isinstance(answer, File) and "http.response.pathsend" in request.scope.get("extensions", ()):
        await request.start(200, headers)
        await request.send({"type": "http.response.pathsend", "path": answer.path})
        return
    async with aclosing(storage.open(blob.storage_key, start, end)) as chunks:
        await _stream(request, 206 if part else 200, headers, chunks)


async def _stream(request: Request, status: int, headers: list[Header], chunks: AsyncIterator[bytes]) -> None:
    """Send `chunks`; the first is fetched before the status, so that a missing object still becomes an error."""
    chunk = await anext(chunks, b"")
    await request.start(status, headers)
    while chunk:
        await request.send({"type": "http.response.body", "body": chunk, "more_body": True})
        chunk = await anext(chunks, b"")
    await request.send({"type": "http.response.body", "body": b""})


def _part(request: Request, blob: Blob) -> Range | None:
    """The range to send, None for all: also when If-Range names other content, of which a client has a part."""
    if_range = request.header(b"if-range")
    if if_range is not None and if_range != f'"{blob.digest}"':
        return None
    return ranges.parse(request.header(b"range"), blob.size_bytes)


def _is_elsewhere(request: Request, url: str) -> bool:
    """Whether a redirect leads to another host.

    Clients keep their Authorization header for the same host name, whatever its port, and object stores refuse a signed
    URL that comes with one.
    """
    return urlsplit(url).hostname != urlsplit(f"//{request.host()}").hostname
