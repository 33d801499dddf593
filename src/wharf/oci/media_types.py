"""The media types a registry has to know by name. Configs and layers may have any other."""

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

IMAGES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = IMAGES | INDEXES

# Docker schema 1: refused, with a text that says what to do.
SCHEMA1 = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
OCTET_STREAM = "application/octet-stream"

# Layers that may not be distributed: clients do not push them, so a manifest may name what the registry does not have.
_FOREIGN = frozenset(
    {
        "application/vnd.docker.image.rootfs.foreign.diff.tar",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    }
)
_NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable."


def is_foreign_layer(media_type: str) -> bool:
    """Whether blobs of this type may be missing from the registry that serves their manifest."""
    return media_type in _FOREIGN or media_type.startswith(_NONDISTRIBUTABLE)


def from_header(value: str) -> str:
    """The media type of a Content-Type header or one element of Accept, without parameters, in lower case."""
    return value.partition(";")[0].strip().lower()
