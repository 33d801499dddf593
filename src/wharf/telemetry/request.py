"""Where the request being answered comes from, for whoever writes down what it did.

The front door only leaves the ASGI scope here, tens of nanoseconds a request; what is wanted of it is read from it when
somebody wants it.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, NamedTuple

from wharf.telemetry.request_id import request_id

scope: ContextVar[Mapping[str, Any] | None] = ContextVar("request_scope", default=None)
"""The ASGI scope of the request being answered, its client corrected for trusted proxies; None outside of requests."""

CREDENTIAL = "wharf.credential"
"""The key in the scope under which a surface tells it."""

_LONGEST_AGENT = 512
_LONGEST_ADDRESS = 64


class Origin(NamedTuple):
    """Who sent a request, as far as the connection tells."""

    client_ip: str | None
    user_agent: str | None
    request_id: str | None


def current() -> Origin:
    """Return the origin of the request being answered; outside of requests nothing is known.

    What it says is the client's text, cut to a sane length.
    """
    id_ = request_id.get() or None
    of = scope.get()
    if of is None:
        return Origin(None, None, id_)
    client = of["client"]
    address = client[0][:_LONGEST_ADDRESS] if client else None
    for name, value in of["headers"]:
        if name == b"user-agent":
            return Origin(address, _agent(value), id_)
    return Origin(address, None, id_)


def credential() -> str | None:
    """Return which of its credentials the caller uses, if a surface has left it in the scope; None for a password."""
    return (scope.get() or {}).get(CREDENTIAL)


@lru_cache(maxsize=1024)
def _agent(value: bytes) -> str:
    return value[:_LONGEST_AGENT].decode("latin-1").replace("\0", "")
