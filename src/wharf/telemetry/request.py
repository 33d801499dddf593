"""Where the request being answered comes from, for whoever writes down what it did.

The front door only leaves the ASGI scope here, tens of nanoseconds a request; what is wanted of it is read from it when
somebody wants it.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from wharf.telemetry.request_id import request_id

scope: ContextVar[Mapping[str, Any] | None] = ContextVar("request_scope", default=None)
"""The ASGI scope of the request being answered, its client corrected for trusted proxies; None outside of requests."""

_LONGEST_AGENT = 512
_LONGEST_ADDRESS = 64


class Origin(NamedTuple):
    """Who sent a request, as far as the connection tells."""

    client_ip: str | None
    user_agent: str | None
    request_id: str | None


NOWHERE = Origin(None, None, None)


def current() -> Origin:
    """Return the origin of the request being answered; outside of requests nothing is known."""
    return origin(scope.get(), request_id.get())


def origin(of: Mapping[str, Any] | None, id_: str) -> Origin:
    """Read the origin from a scope. What it says is the client's text, cut to a sane length."""
    if of is None:
        return NOWHERE._replace(request_id=id_ or None)
    client = of.get("client")
    agent = next((value for name, value in of["headers"] if name == b"user-agent"), None)
    return Origin(
        client[0][:_LONGEST_ADDRESS] if client else None,
        None if agent is None else agent[:_LONGEST_AGENT].decode("latin-1").replace("\0", ""),
        id_ or None,
    )
