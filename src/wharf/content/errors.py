"""What can be wrong with a request to the registry, as facts.

ContentError
├─ RepositoryUnknown ── RepositoryHidden
├─ RepositoryExists, RepositoryReadOnly, NamespaceUnknown
├─ AccessDenied
├─ BlobUnknown, BlobInUse, DigestMismatch
├─ UploadUnknown, UploadOffsetMismatch
├─ ManifestUnknown, ManifestBlobsUnknown
└─ TagUnknown, TagImmutable, TagHistoryUnknown
"""

from dataclasses import dataclass

from wharf.access.actions import Action
from wharf.oci.digest import Digest


class ContentError(Exception):
    """The registry cannot do what was asked."""


@dataclass(eq=False)
class RepositoryUnknown(ContentError):
    """The repository does not exist, or the caller may not know that it does."""

    name: str


@dataclass(eq=False)
class RepositoryHidden(RepositoryUnknown):
    """It does exist, which is for the audit trail and not for the caller: an answer must be that of the base class."""

    action: Action


@dataclass(eq=False)
class RepositoryExists(ContentError):
    """A repository of this name exists already."""

    name: str


@dataclass(eq=False)
class RepositoryReadOnly(ContentError):
    """The repository's state refuses writes."""

    name: str
    state: str


@dataclass(eq=False)
class NamespaceUnknown(ContentError):
    """There is no user or organization of this name to hold a repository."""

    name: str


@dataclass(eq=False)
class AccessDenied(ContentError):
    """The caller may know the repository but not do this to it."""

    name: str
    action: Action
    reason: str
    authenticated: bool


@dataclass(eq=False)
class BlobUnknown(ContentError):
    """The repository holds no blob of this digest."""

    digest: str


@dataclass(eq=False)
class BlobInUse(ContentError):
    """Manifests of the repository need the blob."""

    digest: str


@dataclass(eq=False)
class DigestMismatch(ContentError):
    """The bytes received have another digest than was promised."""

    expected: Digest
    got: Digest


@dataclass(eq=False)
class UploadUnknown(ContentError):
    """There is no such upload in this repository, or it belongs to somebody else."""

    id: str


@dataclass(eq=False)
class UploadOffsetMismatch(ContentError):
    """The chunk does not start where the upload ends."""

    id: str
    expected: int
    got: int


@dataclass(eq=False)
class ManifestUnknown(ContentError):
    """The repository holds no manifest under this tag or digest."""

    reference: str


@dataclass(eq=False)
class ManifestBlobsUnknown(ContentError):
    """The manifest names blobs or manifests that the repository does not hold."""

    digests: tuple[str, ...]


@dataclass(eq=False)
class TagUnknown(ContentError):
    """The repository has no such tag."""

    name: str


@dataclass(eq=False)
class TagImmutable(ContentError):
    """The tag may not be moved or deleted."""

    name: str


@dataclass(eq=False)
class TagHistoryUnknown(ContentError):
    """The tag never pointed at this manifest, or the time machine's window has passed."""

    name: str
    digest: str
