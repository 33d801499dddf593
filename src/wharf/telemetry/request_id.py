"""The identifier of the request being answered: in its log lines, in its answer, in the error report of a user."""

import re
import secrets
from contextvars import ContextVar
from itertools import count

request_id: ContextVar[str] = ContextVar("request_id", default="")

# What a proxy in front may hand in; anything else could forge log lines or fill them.
_SANE = re.compile(rb"[A-Za-z0-9._:/+=-]{8,128}")
_PROCESS = secrets.token_hex(6)
_next = count(1).__next__


def take(inbound: bytes | None) -> str:
    """Return the id of a request: the inbound X-Request-Id if it is harmless, else a new one, unique among replicas."""
    if inbound is not None and _SANE.fullmatch(inbound):
        return inbound.decode("ascii")
    return f"{_PROCESS}-{_next():08x}"
