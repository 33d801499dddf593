"""Paging by position, in the form of Quay: a list's `next_page` is sent back to get what comes after.

The token is the last item's position, sealed, and bound to the path that issued it: nobody can read a position out of
it, make one up, or use it elsewhere. Pages stay right while items come and go, and the thousandth costs what the first
does.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import orjson
from fastapi import Depends, Query, Request

from wharf.api.kit.parts import Parts, WithParts
from wharf.api.kit.refusals import PageTokenInvalid
from wharf.kit.crypto import SealBroken

T = TypeVar("T")
P = TypeVar("P", str, int)

DEFAULT_COUNT = 50
MAX_COUNT = 100


class Page:
    """The page that was asked for.

    A handler asks its verb for `count + 1` items after `last(...)`, and lets `cut` make a page and its token of them.
    """

    def __init__(self, parts: Parts, purpose: str, token: str | None, count: int) -> None:
        self._parts = parts
        self._purpose = purpose
        self._token = token
        self.count = count

    def last(self, first: P) -> P:
        """The position of the last item of the page before; `first` is what comes before all items, "" or 0.

        Raises PageTokenInvalid.
        """
        if not self._token:
            return first
        try:
            sealed = base64.urlsafe_b64decode(self._token + "=" * (-len(self._token) % 4))
            position = orjson.loads(self._parts.box.unseal(sealed, self._purpose))
        except (binascii.Error, ValueError, SealBroken):
            raise PageTokenInvalid from None
        if not isinstance(position, type(first)):
            raise PageTokenInvalid
        return position

    def cut(self, items: Sequence[T], position: Callable[[T], str | int]) -> tuple[Sequence[T], str | None]:
        """Of up to `count + 1` items, those of this page and the token of the next one, None if this is the last."""
        if len(items) <= self.count:
            return items, None
        items = items[: self.count]
        sealed = self._parts.box.seal(orjson.dumps(position(items[-1])), self._purpose)
        return items, base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _page(
    request: Request,
    parts: WithParts,
    next_page: Annotated[str | None, Query(description="`next_page` of the page before.", max_length=4096)] = None,
    limit: Annotated[int, Query(description="Items per page.", ge=1, le=MAX_COUNT)] = DEFAULT_COUNT,
) -> Page:
    # The path, not the route: one organization's token is no position in another's list.
    return Page(parts, f"page {request.url.path}", next_page, limit)


WithPage = Annotated[Page, Depends(_page)]
