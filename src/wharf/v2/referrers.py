"""Referrers: `/v2/<name>/referrers/<digest>`, the signatures and SBOMs of a manifest (distribution-spec end-12).

The answer is an image index. Its absence has a meaning: clients that get a 404 keep their own lists under fallback
tags. So a repository without referrers, and even one that is not there, has an empty list.
"""

from typing import Any

import orjson

from wharf.content import referrers
from wharf.content.errors import RepositoryUnknown
from wharf.content.referrers import Referrer
from wharf.oci import media_types
from wharf.oci.digest import Digest
from wharf.v2 import paging
from wharf.v2.errors import Header
from wharf.v2.request import Request

_INDEX: Header = (b"content-type", media_types.OCI_INDEX.encode())
_PAGE_COUNT = 1000
# The list is a manifest, and no client reads a larger one.
_PAGE_LIMIT_BYTES = 4_000_000


async def list_(request: Request) -> None:
    """List who refers to a manifest, those of certain artifact types where the client filters."""
    subject = Digest.parse(request.argument)
    types = request.parameters("artifactType")
    found: list[Referrer] = []
    try:
        repository = await request.repository()
    except RepositoryUnknown:
        pass  # absent, or hidden from a caller who has signed in: the same empty list
    else:
        found = await referrers.list_(
            request.parts.db,
            repository,
            subject,
            artifact_types=types,
            last=request.parameter("last") or "",
            count=_PAGE_COUNT + 1,
        )
    entries = _fitting(found[:_PAGE_COUNT])
    headers = [_INDEX]
    if types:
        headers.append((b"oci-filters-applied", b"artifactType"))
    if len(entries) < len(found):
        last = found[len(entries) - 1].digest
        headers.append(paging.link(f"/v2/{request.name}/referrers/{subject}", artifactType=types, last=last))
    await request.respond(200, headers, _index(entries))


def _fitting(found: list[Referrer]) -> list[bytes]:
    """The descriptors of as many referrers as one page has room for, at least one."""
    entries: list[bytes] = []
    room = _PAGE_LIMIT_BYTES
    for referrer in found:
        entry = orjson.dumps(_descriptor(referrer))
        room -= len(entry)
        if room < 0 and entries:
            break
        entries.append(entry)
    return entries


def _descriptor(referrer: Referrer) -> dict[str, Any]:
    descriptor: dict[str, Any] = {
        "mediaType": referrer.media_type,
        "digest": referrer.digest,
        "size": referrer.size_bytes,
    }
    if referrer.artifact_type:
        descriptor["artifactType"] = referrer.artifact_type
    if referrer.annotations:
        descriptor["annotations"] = referrer.annotations
    return descriptor


def _index(entries: list[bytes]) -> bytes:
    head = f'{{"schemaVersion":2,"mediaType":"{media_types.OCI_INDEX}","manifests":['
    return head.encode() + b",".join(entries) + b"]}"
