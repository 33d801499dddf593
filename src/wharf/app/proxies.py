"""Believing what a trusted proxy says about the client: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host."""

from wharf.app.refusals import Scope
from wharf.config import Networks

Headers = list[tuple[bytes, bytes]]


def apply(scope: Scope, trusted: Networks) -> None:
    """Rewrite client, scheme and Host of `scope` when its peer is trusted; otherwise the headers mean nothing."""
    client = scope.get("client")
    if not client or client[0] not in trusted:
        return
    forwarded: dict[bytes, list[str]] = {}
    for name, value in scope["headers"]:
        if name.startswith(b"x-forwarded-"):
            texts = (part.strip() for part in value.decode("latin-1").split(","))
            forwarded.setdefault(name, []).extend(filter(None, texts))
    if hops := forwarded.get(b"x-forwarded-for"):
        scope["client"] = (_first_stranger(hops, trusted), 0)
    if schemes := forwarded.get(b"x-forwarded-proto"):
        scheme = schemes[-1].lower()
        scope["scheme"] = scheme if scheme in {"http", "https"} else scope["scheme"]
    if hosts := forwarded.get(b"x-forwarded-host"):
        others: Headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        scope["headers"] = [(b"host", hosts[-1].encode("latin-1")), *others]


def _first_stranger(hops: list[str], trusted: Networks) -> str:
    """The last address that no proxy of ours has: what stands before it, its sender could have made up."""
    for hop in reversed(hops):
        address = hop.removeprefix("[").partition("]")[0] if hop.startswith("[") else hop
        if address.count(":") == 1:  # an IPv4 address with its port
            address = address.partition(":")[0]
        if address not in trusted:
            return address
    return hops[0]
