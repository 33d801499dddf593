"""What there is: `/v2/_catalog`, the repositories a caller may pull from; `/v2/_oci/ext/discover`, the extensions."""

from wharf.access.principals import PrincipalKind
from wharf.content import repositories
from wharf.oci.scopes import REGISTRY
from wharf.v2 import paging
from wharf.v2.errors import AuthenticationRequired, Header
from wharf.v2.request import Request

_SCOPE = f"{REGISTRY}:catalog:*"


async def list_(request: Request) -> None:
    """List repository names in byte order, a page at a time; there is a Link exactly when there is more."""
    page = paging.parse(request)
    principal, token = await request.credentials()
    if token is None and principal.kind is PrincipalKind.ANONYMOUS:
        raise AuthenticationRequired(_SCOPE)
    if token is not None and not token.allows("catalog", "*", REGISTRY):
        raise AuthenticationRequired(_SCOPE, "insufficient_scope")
    names: list[str] = []
    if page.size:
        names += await repositories.list_(request.parts.db, principal, last=page.last, count=page.size + 1)
    headers: list[Header] = []
    if len(names) > page.size:
        names.pop()
        headers.append(paging.link("/v2/_catalog", n=str(page.size), last=names[-1]))
    await request.respond_json(200, headers, {"repositories": names})


async def discover(request: Request) -> None:
    """List the extensions of the API (distribution-spec, extensions/_oci.md): the catalog is the only one."""
    await request.credentials()
    extension = {
        "name": "_catalog",
        "description": "The repositories that the caller may pull from",
        "url": "https://distribution.github.io/distribution/spec/api/#listing-repositories",
        "endpoints": ["_catalog"],
    }
    await request.respond_json(200, [], {"extensions": [extension]})
