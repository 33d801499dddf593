"""What can be wrong with a word of the protocol, and the error codes in which a registry says so.

The exceptions carry facts; which status and code a fact becomes is decided by the surface that meets it.

    OciError
    ├── DigestInvalid
    │   └── DigestUnsupported      well formed, but of an algorithm we do not have
    ├── NameInvalid
    ├── TagInvalid
    ├── ManifestInvalid
    ├── RangeUnsatisfiable
    ├── ContentRangeInvalid
    └── ScopeInvalid
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The codes of the distribution specification, and those other registries added and clients know."""

    BLOB_UNKNOWN = "BLOB_UNKNOWN"
    BLOB_UPLOAD_INVALID = "BLOB_UPLOAD_INVALID"
    BLOB_UPLOAD_UNKNOWN = "BLOB_UPLOAD_UNKNOWN"
    DIGEST_INVALID = "DIGEST_INVALID"
    MANIFEST_BLOB_UNKNOWN = "MANIFEST_BLOB_UNKNOWN"
    MANIFEST_INVALID = "MANIFEST_INVALID"
    MANIFEST_UNKNOWN = "MANIFEST_UNKNOWN"
    NAME_INVALID = "NAME_INVALID"
    NAME_UNKNOWN = "NAME_UNKNOWN"
    SIZE_INVALID = "SIZE_INVALID"
    UNAUTHORIZED = "UNAUTHORIZED"
    DENIED = "DENIED"
    UNSUPPORTED = "UNSUPPORTED"
    TOOMANYREQUESTS = "TOOMANYREQUESTS"
    # Not in the specification's table, but in use by distribution and understood by its clients.
    TAG_INVALID = "TAG_INVALID"
    PAGINATION_NUMBER_INVALID = "PAGINATION_NUMBER_INVALID"
    RANGE_INVALID = "RANGE_INVALID"
    UNAVAILABLE = "UNAVAILABLE"
    UNKNOWN = "UNKNOWN"

    @property
    def message(self) -> str:
        """The sentence a person reads when nothing more precise is known."""
        return _MESSAGES[self]


_MESSAGES: dict[ErrorCode, str] = {
    ErrorCode.BLOB_UNKNOWN: "the repository has no blob with this digest",
    ErrorCode.BLOB_UPLOAD_INVALID: "the upload cannot continue like this",
    ErrorCode.BLOB_UPLOAD_UNKNOWN: "there is no such upload, or it has ended",
    ErrorCode.DIGEST_INVALID: "the digest is malformed or does not match the content",
    ErrorCode.MANIFEST_BLOB_UNKNOWN: "the manifest refers to content this repository does not have",
    ErrorCode.MANIFEST_INVALID: "the manifest is not valid",
    ErrorCode.MANIFEST_UNKNOWN: "the repository has no such manifest",
    ErrorCode.NAME_INVALID: "the repository name is not valid",
    ErrorCode.NAME_UNKNOWN: "there is no such repository",
    ErrorCode.SIZE_INVALID: "the length of the content is not as announced, or too large",
    ErrorCode.UNAUTHORIZED: "authentication required",
    ErrorCode.DENIED: "access to the requested resource is denied",
    ErrorCode.UNSUPPORTED: "the operation is not supported",
    ErrorCode.TOOMANYREQUESTS: "too many requests",
    ErrorCode.TAG_INVALID: "the tag name is not valid",
    ErrorCode.PAGINATION_NUMBER_INVALID: "the number of results requested is not valid",
    ErrorCode.RANGE_INVALID: "the content range does not fit",
    ErrorCode.UNAVAILABLE: "the service is not available at the moment",
    ErrorCode.UNKNOWN: "an unexpected error happened",
}


class OciError(ValueError):
    """A word of the protocol that cannot be understood."""


class DigestInvalid(OciError):
    """A text that is no digest; `text` is what was given, shortened."""

    def __init__(self, text: str, reason: str = "not of the form algorithm:hex") -> None:
        super().__init__(f"invalid digest {shorten(text)!r}: {reason}")
        self.text = shorten(text)


class DigestUnsupported(DigestInvalid):
    """A well-formed digest, or an algorithm's name, that is neither sha256 nor sha512."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "the supported algorithms are sha256 and sha512")


class NameInvalid(OciError):
    """A text that cannot name a repository."""

    def __init__(self, text: str, reason: str = "use lower-case letters, digits, and . _ - / between them") -> None:
        super().__init__(f"invalid repository name {shorten(text)!r}: {reason}")
        self.text = shorten(text)


class TagInvalid(OciError):
    """A text that cannot name a tag."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid tag name {shorten(text)!r}: up to 128 letters, digits, and _ . - (not . or - first)")
        self.text = shorten(text)


class ManifestInvalid(OciError):
    """A manifest that cannot be accepted; `reason` is a sentence for the person who pushed it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RangeUnsatisfiable(OciError):
    """A Range that lies outside the content; `size_bytes` is what a 416 has to tell."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the range lies outside the {size_bytes} bytes of the content")
        self.size_bytes = size_bytes


class ContentRangeInvalid(OciError):
    """A Content-Range of a chunk that cannot be understood."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid Content-Range {shorten(text)!r}: expected <first byte>-<last byte>")
        self.text = shorten(text)


class ScopeInvalid(OciError):
    """A registry scope that is not of the form type:name:actions."""

    def __init__(self, text: str) -> None:
        super().__init__(f"invalid scope {shorten(text)!r}: expected type:name:action,action")
        self.text = shorten(text)


_SHOWN_LENGTH = 100


def shorten(text: str) -> str:
    """Cut a hostile text to a length that can be logged and sent back."""
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "…"
