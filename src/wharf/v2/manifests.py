"""Manifests: `/v2/<name>/manifests/<tag or digest>` (distribution-spec end-3, end-7, end-9).

They are served as they came, byte for byte and under the type they came with, whatever Accept says: to convert a
manifest is to change its digest.
"""

from wharf.content import manifests, tags
from wharf.content.errors import DigestMismatch, ManifestBlobsUnknown, RepositoryUnknown
from wharf.content.manifests import ManifestRules, Push
from wharf.kit.clock import utc_now
from wharf.oci import manifests as documents
from wharf.oci import references
from wharf.oci.digest import Digest
from wharf.oci.manifests import Manifest
from wharf.oci.names import TagName
from wharf.v2.blobs import cache_control, matches
from wharf.v2.errors import Header
from wharf.v2.request import Request

# A tag may move at any moment, and clients that poll it behind a proxy must see it move.
_REVALIDATE: Header = (b"cache-control", b"no-cache")


async def get(request: Request) -> None:
    """Send a manifest; HEAD tells about it."""
    reference = references.parse(request.argument)
    repository = await request.repository()
    found = await manifests.get(request.parts.db, repository, reference, now=utc_now())
    digest = found.digest.encode()
    by_digest = isinstance(reference, Digest)
    headers = [
        (b"docker-content-digest", digest),
        (b"etag", b'"%b"' % digest),
        cache_control(request, repository) if by_digest else _REVALIDATE,
    ]
    if b"if-none-match" in request.headers and matches(request.header(b"if-none-match"), found.digest):
        await request.respond(304, headers)
        return
    headers.append((b"content-type", found.media_type.encode()))
    if request.parts.pulls is not None and request.method == "GET":
        assert request.principal is not None, "whoever was let in is known"
        request.parts.pulls.pull(request.principal, repository, found.digest, None if by_digest else reference)
    await request.respond(200, headers, found.body)


async def put(request: Request) -> None:
    """Store a manifest under its digest and point the tags at it that the path or `tag` parameters name."""
    reference = references.parse(request.argument)
    names = [TagName.parse(name) for name in request.parameters("tag")]
    try:
        repository = await request.repository()
    except RepositoryUnknown:
        repository = None  # perhaps to be created, but not for the sake of a manifest that is refused
    body = await request.body.read(request.parts.config.manifest_max_bytes)
    parsed = documents.parse(body, request.header(b"content-type"))
    digest = _digest(reference, body)
    if isinstance(reference, TagName):
        names.insert(0, reference)
    if repository is None:
        if parsed.required_blobs and not request.parts.config.allow_sparse_images:  # a new repository has none
            raise ManifestBlobsUnknown(parsed.required_blobs)
        repository = await request.repository(create=True)
    principal = (await request.credentials()).principal
    await manifests.put(
        request.parts.db,
        repository,
        Push(parsed, body, digest, names, principal, utc_now()),
        ManifestRules(
            allow_sparse_indexes=request.parts.config.allow_sparse_indexes,
            allow_sparse_images=request.parts.config.allow_sparse_images,
            lease=request.parts.blob_lease,
        ),
    )
    await request.respond(201, _stored(request, parsed, digest, names))


async def delete(request: Request) -> None:
    """Delete a tag, or a manifest with all its tags."""
    reference = references.parse(request.argument)
    repository = await request.repository()
    principal = (await request.credentials()).principal
    async with request.parts.db.write() as tx:
        if isinstance(reference, Digest):
            await manifests.delete(tx, repository, reference, by=principal, at=utc_now())
        else:
            await tags.delete(tx, repository, reference, by=principal, at=utc_now())
    await request.respond(202, [])


def _digest(reference: TagName | Digest, body: bytes) -> Digest:
    """The address of `body`: by the algorithm of the path, or SHA-256. Raises `DigestMismatch`."""
    if isinstance(reference, TagName):
        return Digest.of(body)
    digest = Digest.of(body, reference.algorithm)
    if digest != reference:
        raise DigestMismatch(reference, digest)
    return digest


def _stored(request: Request, parsed: Manifest, digest: Digest, names: list[TagName]) -> list[Header]:
    headers = [
        (b"location", f"/v2/{request.name}/manifests/{digest}".encode()),
        (b"docker-content-digest", digest.encode()),
    ]
    headers += [(b"oci-tag", name.encode()) for name in dict.fromkeys(names)]
    if parsed.subject is not None:
        headers.append((b"oci-subject", parsed.subject.digest.encode()))
    return headers
