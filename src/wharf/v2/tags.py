"""Tag lists: `/v2/<name>/tags/list` (distribution-spec end-8)."""

from wharf.content import tags
from wharf.kit.clock import utc_now
from wharf.v2 import paging
from wharf.v2.errors import Header
from wharf.v2.request import Request


async def list_(request: Request) -> None:
    """List tag names in byte order, a page at a time; there is a Link exactly when there is more."""
    page = paging.parse(request)
    repository = await request.repository()
    names: list[str] = []
    if page.size:
        names = await tags.list_(request.parts.db, repository, last=page.last, count=page.size + 1, now=utc_now())
    headers: list[Header] = []
    if len(names) > page.size:
        names.pop()
        headers.append(paging.link(f"/v2/{request.name}/tags/list", n=str(page.size), last=names[-1]))
    await request.respond_json(200, headers, {"name": request.name, "tags": names})
