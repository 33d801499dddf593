"""Content digests: `sha256:<64 hex>` and `sha512:<128 hex>` (image-spec, descriptor.md)."""

import hashlib
import re
from typing import TYPE_CHECKING, Self

from wharf.oci.errors import DigestInvalid, DigestUnsupported

if TYPE_CHECKING:
    from hashlib import _Hash as Hasher

SHA256 = "sha256"
SHA512 = "sha512"
ALGORITHMS = frozenset({SHA256, SHA512})

_SUPPORTED = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
# The specification's grammar, to tell "we cannot" from "that is no digest".
_WELL_FORMED = re.compile(r"(?P<algorithm>[a-z0-9]++(?:[+._-][a-z0-9]++)*+):[a-zA-Z0-9=_-]{1,512}")


class Digest(str):
    """A validated digest. The constructor trusts its text (a database row); `parse` is the door for everything else."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The digest written in `text`; raises DigestInvalid, or DigestUnsupported for an algorithm we do not have."""
        if _SUPPORTED.fullmatch(text):
            return cls(text)
        match = _WELL_FORMED.fullmatch(text)
        if match and match["algorithm"] not in ALGORITHMS:
            raise DigestUnsupported(text)
        raise DigestInvalid(text)

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview, algorithm: str = SHA256) -> Self:
        """The digest of `data`; raises DigestUnsupported."""
        hasher = new_hasher(algorithm)
        hasher.update(data)
        return cls.from_hasher(hasher)

    @classmethod
    def from_hasher(cls, hasher: "Hasher") -> Self:
        """The digest a hasher of `new_hasher` has arrived at."""
        return cls(f"{hasher.name}:{hasher.hexdigest()}")

    @property
    def algorithm(self) -> str:
        """`sha256` or `sha512`."""
        return self[:6]

    @property
    def hex(self) -> str:
        """The lower-case hexadecimal part."""
        return self[7:]


def new_hasher(algorithm: str = SHA256) -> "Hasher":
    """A hasher to feed a stream into; raises DigestUnsupported for an algorithm's name we do not have."""
    if algorithm not in ALGORITHMS:
        raise DigestUnsupported(algorithm)
    return hashlib.new(algorithm)


EMPTY_JSON = Digest("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")
EMPTY_BLOB = Digest("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
