"""Pages of lists: `n` and `last` in, a Link header out (distribution-spec, "Listing Tags")."""

from typing import NamedTuple
from urllib.parse import quote, urlencode

from wharf.v2.errors import Header, PageInvalid
from wharf.v2.request import Request


class Page(NamedTuple):
    """Which part of a list is asked for: `size` entries after `last`, which need not exist (any more)."""

    size: int
    last: str


def parse(request: Request) -> Page:
    """Read `n` and `last`; a large `n` is cut down, and the Link header says so. Raises `PageInvalid`."""
    config = request.parts.config
    text = request.parameter("n")
    if text is None:
        size = config.tag_list_default_count
    elif text.isascii() and text.isdigit():
        # More digits than any count has are not worth the arithmetic.
        size = min(int(text[:20]), config.tag_list_max_count)
    else:
        raise PageInvalid(text)
    return Page(size, request.parameter("last") or "")


def link(path: str, **parameters: str | list[str]) -> Header:
    """Make the header that leads to the next page (RFC 8288); `parameters` are those of its query."""
    query = urlencode(parameters, doseq=True, safe=":")
    return b"link", f'<{quote(path)}?{query}>; rel="next"'.encode()
