"""The OCI distribution API, `/v2/…`: the surface that docker, podman, containerd, oras, crane, helm and cosign talk to.

Plain ASGI and no framework: names contain slashes, bodies stream and every header is part of the contract. HTTP ends
here: a handler turns a request into one or two calls of `content`, and what they return or raise into a response.
`router.py` is the table of contents, `errors.py` the only place with error statuses. `app` builds a `V2` and hands it
every request whose path begins with `/v2`; nothing else calls this room.
"""

from wharf.v2.surface import V2

__all__ = ["V2"]
