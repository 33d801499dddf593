"""`/api/v1/repository/{repository}/manifest/…`: what a manifest says."""

import json
from collections.abc import Sequence

from fastapi import APIRouter

from wharf.access.actions import Action
from wharf.api.kit import FAILURES, NotFound, RepositoryReader, Shape, WithParts
from wharf.api.repository.paths import WithName
from wharf.content import manifests, repositories
from wharf.oci import manifests as documents
from wharf.oci import references
from wharf.oci.errors import DigestInvalid, TagInvalid
from wharf.oci.manifests import Manifest, ManifestKind

router = APIRouter(tags=["manifest"], responses=FAILURES)


class LayerShape(Shape):
    """A layer, the lowest first; what its image's config says about it is left to those who read the config."""

    index: int
    compressed_size: int
    is_remote: bool
    urls: list[str] | None
    command: list[str] | None = None
    comment: str | None = None
    author: str | None = None
    blob_digest: str
    created_datetime: str | None = None


class ManifestShape(Shape):
    """A manifest as it was pushed, and its layers if it is no index."""

    digest: str
    is_manifest_list: bool
    manifest_data: str
    config_media_type: str | None
    layers_compressed_size: int | None
    layers: Sequence[LayerShape] | None


@router.get(
    "/repository/{repository:path}/manifest/{manifestref}", operation_id="getRepoManifest", summary="Get a manifest"
)
async def get_(repository: WithName, manifestref: str, caller: RepositoryReader, parts: WithParts) -> ManifestShape:
    """Return the manifest of a digest, or the one that a tag points at."""
    source = await repositories.access(parts.database, caller.principal, repository, Action.PULL)
    try:
        reference = references.parse(manifestref)
    except (DigestInvalid, TagInvalid):
        raise NotFound(f"There is no manifest {manifestref}") from None
    stored = await manifests.get(parts.database, source, reference, now=parts.clock())
    parsed = documents.parse(stored.body, stored.media_type)
    is_index = parsed.kind is ManifestKind.INDEX
    return ManifestShape(
        digest=stored.digest,
        is_manifest_list=is_index,
        manifest_data=stored.body.decode(errors="replace"),
        config_media_type=parsed.config.media_type if parsed.config else None,
        layers_compressed_size=None if is_index else sum(layer.size_bytes for layer in parsed.layers),
        layers=None if is_index else _layers(parsed, stored.body),
    )


def _layers(parsed: Manifest, body: bytes) -> list[LayerShape]:
    # Only a person who looks wants to know where else a layer can be had: the registry does not keep it.
    said = json.loads(body).get("layers") or []
    return [
        LayerShape(
            index=number,
            compressed_size=layer.size_bytes,
            is_remote=not layer.required,
            urls=said[number].get("urls") or None,
            blob_digest=layer.digest,
        )
        for number, layer in enumerate(parsed.layers)
    ]
