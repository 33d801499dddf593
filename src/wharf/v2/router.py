"""From a path and a method to a handler and the action that the caller must be allowed.

Repository names contain slashes and may contain every word of the protocol (`a/blobs/uploads/tags` is one). So a path
is read from its end: the last marker that fits decides, and all before it is the name.

    /v2/                                    PING
    /v2/auth                                TOKEN
    /v2/_catalog                            CATALOG
    /v2/_oci/ext/discover                   EXTENSIONS
    /v2/<name>/blobs/<digest>               BLOB
    /v2/<name>/blobs/uploads/               UPLOADS (the last slash is optional)
    /v2/<name>/blobs/uploads/<id>           UPLOAD
    /v2/<name>/manifests/<reference>        MANIFEST
    /v2/<name>/tags/list                    TAGS
    /v2/<name>/referrers/<digest>           REFERRERS

A handler sees only requests that are in `ROUTES`; the action beside it is what `Request.repository` asks the door for.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import NamedTuple

from wharf.access.actions import Action
from wharf.v2 import blobs, catalog, manifests, referrers, tags, token, uploads
from wharf.v2.errors import PathUnknown
from wharf.v2.request import Request

_PREFIX = "/v2/"


class Endpoint(StrEnum):
    """What a path names; the values label metrics and traces."""

    PING = "ping"
    TOKEN = "token"  # noqa: S105 - the name of a path
    CATALOG = "catalog"
    EXTENSIONS = "extensions"
    BLOB = "blob"
    UPLOADS = "uploads"
    UPLOAD = "upload"
    MANIFEST = "manifest"
    TAGS = "tags"
    REFERRERS = "referrers"


class Target(NamedTuple):
    """An endpoint, the text where a repository name should be, and the text after the marker; nothing is validated."""

    endpoint: Endpoint
    name: str
    argument: str


Handler = Callable[[Request], Awaitable[None]]


class Route(NamedTuple):
    """Who answers one method of an endpoint, and what that does to the repository (None: there is no repository)."""

    handle: Handler
    action: Action | None


_FIXED = {
    "/v2": Target(Endpoint.PING, "", ""),
    "/v2/": Target(Endpoint.PING, "", ""),
    "/v2/auth": Target(Endpoint.TOKEN, "", ""),
    "/v2/_catalog": Target(Endpoint.CATALOG, "", ""),
    "/v2/_oci/ext/discover": Target(Endpoint.EXTENSIONS, "", ""),
}


def _readable(handle: Handler, action: Action | None) -> dict[str, Route]:
    """HEAD is GET whose body stays here (RFC 9110 §9.3.2): one handler for both."""
    return {"GET": Route(handle, action), "HEAD": Route(handle, action)}


ROUTES: Mapping[Endpoint, Mapping[str, Route]] = {
    Endpoint.PING: _readable(token.ping, None),
    Endpoint.TOKEN: {"GET": Route(token.get, None), "POST": Route(token.post, None)},
    Endpoint.CATALOG: _readable(catalog.list_, None),
    Endpoint.EXTENSIONS: _readable(catalog.discover, None),
    Endpoint.BLOB: _readable(blobs.get, Action.PULL) | {"DELETE": Route(blobs.delete, Action.DELETE)},
    Endpoint.UPLOADS: {"POST": Route(uploads.post, Action.PUSH)},
    Endpoint.UPLOAD: _readable(uploads.get, Action.PUSH)
    | {
        "PATCH": Route(uploads.patch, Action.PUSH),
        "PUT": Route(uploads.put, Action.PUSH),
        "DELETE": Route(uploads.delete, Action.PUSH),
    },
    Endpoint.MANIFEST: _readable(manifests.get, Action.PULL)
    | {"PUT": Route(manifests.put, Action.PUSH), "DELETE": Route(manifests.delete, Action.DELETE)},
    Endpoint.TAGS: _readable(tags.list_, Action.PULL),
    Endpoint.REFERRERS: _readable(referrers.list_, Action.PULL),
}


def locate(path: str) -> Target:
    """Find what `path` (percent-decoded, once) names under `/v2`. Raises `PathUnknown`."""
    if path in _FIXED:
        return _FIXED[path]
    if not path.startswith(_PREFIX):
        raise PathUnknown
    head, _, last = path[len(_PREFIX) :].rpartition("/")
    name, _, marker = head.rpartition("/")
    if name and marker == "manifests":
        return Target(Endpoint.MANIFEST, name, last)
    if name and marker == "blobs":
        return Target(Endpoint.UPLOADS, name, "") if last == "uploads" else Target(Endpoint.BLOB, name, last)
    if marker == "uploads" and name.endswith("/blobs") and name != "/blobs":
        name = name.removesuffix("/blobs")
        return Target(Endpoint.UPLOAD, name, last) if last else Target(Endpoint.UPLOADS, name, "")
    if name and marker == "tags" and last == "list":
        return Target(Endpoint.TAGS, name, "")
    if name and marker == "referrers":
        return Target(Endpoint.REFERRERS, name, last)
    raise PathUnknown
