"""Upload sessions: `/v2/<name>/blobs/uploads/…` (distribution-spec end-4 to end-6, end-11, end-13, end-14).

    POST    opens a session, or makes a blob at once: from `digest` and a body, or from another repository (`mount`)
    PATCH   appends a chunk, with or without a Content-Range
    PUT     appends what comes with it, if anything, and makes the blob
    GET     tells how much has arrived
    DELETE  ends the session

A session belongs to one repository and to who opened it: to everybody else it does not exist. Its Location carries
nothing but its id, so it holds on every replica, and a client may add its `digest` with `?` or, where it takes for
granted that a Location has a query already, with `&`.
"""

import re

from wharf.access.actions import Action
from wharf.access.principals import Principal
from wharf.content import blobs, repositories
from wharf.content.errors import AccessDenied, RepositoryUnknown, UploadOffsetMismatch, UploadUnknown
from wharf.content.repositories import Repository
from wharf.content.uploads import Upload
from wharf.kit.clock import utc_now
from wharf.oci import ranges
from wharf.oci.digest import Digest, new_hasher
from wharf.oci.errors import NameInvalid, shorten
from wharf.oci.uploads import UploadState
from wharf.v2.blobs import blob_path
from wharf.v2.errors import BodyTruncated, Header
from wharf.v2.request import Request

_ID = re.compile("[0-9a-f]{32}")


async def post(request: Request) -> None:
    """Open a session; with `digest` the body is the blob, with `mount` the blob may be in another repository."""
    algorithm = request.parameter("digest-algorithm")
    if algorithm is not None:
        new_hasher(algorithm)  # refuses now what could not be verified in the end
    mount, digest = (_digest(request, name) for name in ("mount", "digest"))
    repository = await request.repository(create=True)
    principal = (await request.credentials()).principal
    if mount is not None and await _mount(request, repository, mount, by=principal):
        await _created(request, mount)
        return
    session = await request.parts.uploads.create(repository, by=principal)
    if digest is None or mount is not None:
        await request.respond(202, _progress(request, session))
    else:
        await _finish(request, session, digest)


async def get(request: Request) -> None:
    """Tell how much of the blob has arrived, so that a client knows where to go on."""
    session = await _session(request)
    await request.respond(204, _progress(request, session))


async def patch(request: Request) -> None:
    """Append a chunk. Of one that breaks off, what has arrived is kept."""
    session = await _session(request)
    session = await _append(request, session)
    await request.respond(202, _progress(request, session))


async def put(request: Request) -> None:
    """Make the blob of all that has arrived; repeating it after success is a success again."""
    session = await _session(request)
    digest = Digest.parse(request.parameter("digest") or "")
    await _finish(request, session, digest)


async def delete(request: Request) -> None:
    """End the session and forget what has arrived."""
    session = await _session(request)
    await request.parts.uploads.cancel(session)
    await request.respond(204, [])


async def _session(request: Request) -> Upload:
    id, ampersand, query = request.argument.partition("&")
    if ampersand:
        request.add_parameters(query)
    repository = await request.repository(outlived=True)
    principal = (await request.credentials(outlived=True)).principal
    if not _ID.fullmatch(id):
        raise UploadUnknown(shorten(id))
    return await request.parts.uploads.get(repository, id, by=principal)


async def _append(request: Request, session: Upload) -> Upload:
    """Receive the body, whatever its length. Raises `UploadOffsetMismatch`, and then tells where the session is."""
    if await request.body.is_empty():
        return session
    text = request.header(b"content-range")
    place = None if text is None else ranges.parse_content_range(text)
    try:
        return await request.parts.uploads.receive(
            session, aiter(request.body), place=place, content_length=request.body.length
        )
    except UploadOffsetMismatch:
        request.extra += ((b"location", _path(request, session.id)),)
        raise


async def _finish(request: Request, session: Upload, digest: Digest) -> None:
    if session.state is not UploadState.COMMITTED:  # whose client has lost the answer, and may send all again
        session = await _append(request, session)
    if request.body.truncated:
        raise BodyTruncated(request.body.received_bytes)
    await request.parts.uploads.commit(session, digest)
    await _created(request, digest)


async def _mount(request: Request, target: Repository, digest: Digest, *, by: Principal) -> bool:
    """Link the blob from the repository that the client names, or from any that it may read; False: not to be had.

    What the caller may read is decided by its own grants, not by its token, which clients fetch for the target alone.
    """
    source = await _mount_source(request, digest, by=by)
    if source is None:
        return False
    now = utc_now()
    async with request.parts.db.write() as tx:
        blob = await blobs.mount(tx, target, source, digest, leased_until=now + request.parts.blob_lease)
    return blob is not None


async def _mount_source(request: Request, digest: Digest, *, by: Principal) -> Repository | None:
    name = request.parameter("from")
    if name is None:
        return await blobs.find_readable(request.parts.db, by, digest)
    try:
        return await repositories.access(request.parts.db, by, request.canonical(name), Action.PULL)
    except (NameInvalid, RepositoryUnknown, AccessDenied):
        return None


async def _created(request: Request, digest: Digest) -> None:
    headers = [(b"location", blob_path(request.name, digest)), (b"docker-content-digest", digest.encode())]
    await request.respond(201, headers)


def _progress(request: Request, session: Upload) -> list[Header]:
    return [
        (b"location", _path(request, session.id)),
        (b"range", ranges.format_received(session.offset_bytes).encode()),
        (b"docker-upload-uuid", session.id.encode()),
    ]


def _path(request: Request, id: str) -> bytes:
    return f"/v2/{request.name}/blobs/uploads/{id}".encode()


def _digest(request: Request, name: str) -> Digest | None:
    text = request.parameter(name)
    return None if text is None else Digest.parse(text)
