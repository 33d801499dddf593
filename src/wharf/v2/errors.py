"""What each fact sounds like on `/v2`: the only place with error statuses (distribution-spec, "Error Codes").

Rooms raise facts that carry their evidence as fields; the table below says under which code and status a client hears
of them and which field becomes which header. A fact without a row of its own has that of its base class. What is in no
row is a bug of ours: it is logged with its traceback, and the client is told nothing but UNKNOWN.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from wharf.accounts.errors import CredentialsInvalid, SignInBusy, SignInLocked, TokenInvalid
from wharf.content import errors as content
from wharf.db.errors import Conflict, DatabaseUnavailable
from wharf.oci import errors as oci
from wharf.oci import ranges
from wharf.oci.errors import ErrorCode
from wharf.storage.errors import ObjectMissing, StorageUnavailable

Header = tuple[bytes, bytes]
JSON_TYPE: Header = (b"content-type", b"application/json")
_RETRY_AFTER_SECONDS = 2


class SurfaceError(Exception):
    """What only HTTP knows to be wrong."""


class PathUnknown(SurfaceError):
    """the path is not one of the registry API"""


@dataclass(eq=False)
class MethodUnsupported(SurfaceError):
    """the method is not allowed for this path"""

    allowed: tuple[str, ...]


@dataclass(eq=False)
class AuthenticationRequired(SurfaceError):
    """authentication required"""

    scope: str | None = None  # what a token has to grant, as in the challenge
    error: str | None = None  # why the credentials that were sent are not enough (RFC 6750 §3.1)
    basic: bool = False  # at the token service itself, where a Bearer challenge would lead nowhere


@dataclass(eq=False)
class ProxyUnknown(SurfaceError):
    """this registry does not proxy the registry named by ns"""

    namespace: str


@dataclass(eq=False)
class PageInvalid(SurfaceError):
    """n must be a number that is not negative"""

    text: str


@dataclass(eq=False)
class RequestInvalid(SurfaceError):
    """the request cannot be understood"""

    reason: str


@dataclass(eq=False)
class BodyTooLarge(SurfaceError):
    """the body is larger than the registry accepts"""

    limit_bytes: int


@dataclass(eq=False)
class BodyTruncated(SurfaceError):
    """the connection ended before the body did"""

    received_bytes: int


class ReadOnly(SurfaceError):
    """the registry is in maintenance: it can be read but not written at the moment"""


class Answer(NamedTuple):
    """An error as it goes over the wire."""

    status: int
    headers: list[Header]
    body: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of fact is told: `evidence` and `details` read its fields."""

    code: ErrorCode
    status: int
    evidence: Callable[[Any], list[Header]] | None = None
    details: Callable[[Any], list[object]] | None = None  # one error each
    message: str | None = None  # instead of the fact's own words


def _retry(fact: Exception) -> list[Header]:
    seconds: int = getattr(fact, "retry_after_seconds", _RETRY_AFTER_SECONDS)
    return [(b"retry-after", b"%d" % seconds)]


def _allow(fact: MethodUnsupported) -> list[Header]:
    return [(b"allow", ", ".join(fact.allowed).encode())]


def _outside(fact: oci.RangeUnsatisfiable) -> list[Header]:
    return [(b"content-range", b"bytes */%d" % fact.size_bytes)]


def _received(fact: content.UploadOffsetMismatch) -> list[Header]:
    """How much the session has; its Location is the path that was asked, which the surface adds."""
    return [(b"range", ranges.format_received(fact.expected).encode())]


def _digest(fact: Any) -> list[object]:
    return [{"digest": str(fact.digest)}]


def _name(fact: Any) -> list[object]:
    return [{"name": fact.name}]


_C = ErrorCode
ERRORS: Mapping[type[Exception], Rule] = {
    # The surface itself.
    PathUnknown: Rule(_C.UNSUPPORTED, 404),
    MethodUnsupported: Rule(_C.UNSUPPORTED, 405, _allow),
    AuthenticationRequired: Rule(_C.UNAUTHORIZED, 401),
    ProxyUnknown: Rule(_C.NAME_UNKNOWN, 404),
    PageInvalid: Rule(_C.PAGINATION_NUMBER_INVALID, 400, details=lambda fact: [{"n": oci.shorten(fact.text)}]),
    RequestInvalid: Rule(_C.UNSUPPORTED, 400),
    BodyTooLarge: Rule(_C.SIZE_INVALID, 413, details=lambda fact: [{"limit": fact.limit_bytes}]),
    BodyTruncated: Rule(_C.SIZE_INVALID, 400, details=lambda fact: [{"received": fact.received_bytes}]),
    ReadOnly: Rule(_C.UNAVAILABLE, 503, _retry),
    # Words of the protocol.
    oci.OciError: Rule(_C.UNSUPPORTED, 400),
    oci.DigestInvalid: Rule(_C.DIGEST_INVALID, 400),
    oci.NameInvalid: Rule(_C.NAME_INVALID, 400),
    oci.TagInvalid: Rule(_C.TAG_INVALID, 400),
    oci.ManifestInvalid: Rule(_C.MANIFEST_INVALID, 400),
    oci.RangeUnsatisfiable: Rule(_C.RANGE_INVALID, 416, _outside),
    oci.ContentRangeInvalid: Rule(_C.RANGE_INVALID, 416),
    # Who calls.
    CredentialsInvalid: Rule(_C.UNAUTHORIZED, 401),
    TokenInvalid: Rule(_C.UNAUTHORIZED, 401),
    SignInLocked: Rule(_C.TOOMANYREQUESTS, 429, _retry, message="too many wrong passwords, try again later"),
    SignInBusy: Rule(_C.TOOMANYREQUESTS, 429, _retry),
    # The registry.
    content.ContentError: Rule(_C.UNSUPPORTED, 400),
    content.RepositoryUnknown: Rule(_C.NAME_UNKNOWN, 404, details=_name),
    content.RepositoryExists: Rule(_C.DENIED, 409, details=_name),
    content.RepositoryReadOnly: Rule(_C.DENIED, 403, details=_name, message="the repository is read-only"),
    content.NamespaceUnknown: Rule(
        _C.NAME_UNKNOWN, 404, details=_name, message="there is no user or organization of this name"
    ),
    content.AccessDenied: Rule(_C.DENIED, 403, details=_name),
    content.BlobUnknown: Rule(_C.BLOB_UNKNOWN, 404, details=_digest),
    content.BlobInUse: Rule(
        _C.UNSUPPORTED, 405, lambda _: [(b"allow", b"GET, HEAD")], _digest, "manifests of the repository need this blob"
    ),
    content.DigestMismatch: Rule(
        _C.DIGEST_INVALID, 400, details=lambda fact: [{"expected": fact.expected, "got": fact.got}]
    ),
    content.UploadUnknown: Rule(_C.BLOB_UPLOAD_UNKNOWN, 404),
    content.UploadOffsetMismatch: Rule(
        _C.RANGE_INVALID, 416, _received, lambda fact: [{"expected": fact.expected, "got": fact.got}]
    ),
    content.ManifestUnknown: Rule(_C.MANIFEST_UNKNOWN, 404, details=lambda fact: [{"reference": str(fact.reference)}]),
    content.ManifestBlobsUnknown: Rule(
        _C.MANIFEST_BLOB_UNKNOWN, 404, details=lambda fact: [{"digest": digest} for digest in fact.digests]
    ),
    content.TagUnknown: Rule(_C.MANIFEST_UNKNOWN, 404, details=lambda fact: [{"tag": fact.name}]),
    content.TagImmutable: Rule(
        _C.DENIED, 403, details=lambda fact: [{"tag": fact.name}], message="the tag may not be moved or deleted"
    ),
    # What is below: a retry may succeed, and clients do retry a 503.
    Conflict: Rule(_C.UNAVAILABLE, 503, _retry, message="another request changed the same content, try again"),
    DatabaseUnavailable: Rule(_C.UNAVAILABLE, 503, _retry, message=_C.UNAVAILABLE.message),
    StorageUnavailable: Rule(_C.UNAVAILABLE, 503, _retry, message=_C.UNAVAILABLE.message),
    # A row without its bytes is our loss, but a client can mend it: it pushes what a 404 says is not there.
    ObjectMissing: Rule(_C.BLOB_UNKNOWN, 404, message=_C.BLOB_UNKNOWN.message),
}
_BUG = Rule(_C.UNKNOWN, 500, message=_C.UNKNOWN.message)


def is_known(fact: Exception) -> bool:
    """Whether the table has a row for `fact`; otherwise it is a bug, to be logged."""
    return _rule(fact) is not _BUG


def render(fact: Exception) -> Answer:
    """Put `fact` into the error format of the specification."""
    rule = _rule(fact)
    message = rule.message or _words(fact) or rule.code.message
    details = (rule.details(fact) if rule.details else None) or [None]
    errors = [{"code": rule.code, "message": message, "detail": detail} for detail in details]
    headers = [JSON_TYPE, *(rule.evidence(fact) if rule.evidence else ())]
    return Answer(rule.status, headers, _dump({"errors": errors}))


def challenge(realm: str, service: str, fact: AuthenticationRequired) -> Header:
    """The WWW-Authenticate header of a 401 (RFC 6750 §3); every value is quoted because some clients parse only that.

    Only Bearer is offered on the API: docker uses every scheme it is offered and would overwrite its token with the
    password, or fail for want of one.
    """
    if fact.basic:
        return b"www-authenticate", f'Basic realm="{_quotable(service)}"'.encode()
    parameters = {"realm": realm, "service": service, "scope": fact.scope, "error": fact.error}
    text = ",".join(f'{key}="{_quotable(value)}"' for key, value in parameters.items() if value)
    return b"www-authenticate", f"Bearer {text}".encode()


def _dump(document: object) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # a client's text that no encoding has, such as half of a surrogate pair
        return json.dumps(document).encode()


def _rule(fact: Exception) -> Rule:
    rule = ERRORS.get(type(fact))
    return rule or next((ERRORS[kind] for kind in type(fact).__mro__ if kind in ERRORS), _BUG)


def _words(fact: Exception) -> str | None:
    """What a fact says in its own words: the OCI errors build a sentence, the others are one."""
    if isinstance(fact, RequestInvalid):
        return fact.reason
    if isinstance(fact, content.AccessDenied):
        return f"access to {fact.name} is denied: {fact.reason}"
    if isinstance(fact, oci.OciError):
        return str(fact)
    if isinstance(fact, SurfaceError):
        return fact.__doc__
    return None


def _quotable(value: str) -> str:
    """Header values are ASCII without quotes and backslashes, whatever a client put into its path."""
    return quote(value, safe=":/,*+@ ()[]!$&;=?~.-_", errors="replace")
