"""The REST API, `/api/v1/…`, for the web UI and automation; it keeps the paths and shapes of Quay's.

FastAPI lives only here: it describes each resource for OpenAPI. One resource per file; a handler calls verbs of the
rooms below, and names that Quay fixed are translated here and nowhere else. `app` builds it with `create_api`.
"""

from fastapi import FastAPI

from wharf.api import applications, config, discovery, error_types, errors, logs, sign_in
from wharf.api.kit import Parts
from wharf.api.kit.envelope import Envelope
from wharf.api.organization import details, robot, team
from wharf.api.repository import listing, manifests, permissions, search, stars, tags
from wharf.api.superuser import organizations, users
from wharf.api.user import account, app_tokens, authorizations, client_key, initialize, sessions

__all__ = ["Parts", "create_api"]

#: Every resource; the order is that of the description.
_RESOURCES = (
    sign_in.router,
    account.router,
    initialize.router,
    sessions.router,
    app_tokens.router,
    client_key.router,
    authorizations.router,
    applications.router,
    config.router,
    discovery.router,
    error_types.router,
    logs.router,
    details.router,
    team.router,
    robot.router,
    users.router,
    organizations.router,
    search.router,
    stars.router,
    tags.router,
    manifests.router,
    permissions.router,
    listing.router,  # its paths are the rest of those above
)
#: What Quay has beside `/api`; `app/build.py` lists the first segments of these paths.
_FRONT = (sign_in.front, config.front)


def create_api(parts: Parts) -> FastAPI:
    """Return the ASGI application of everything under `/api`, and of what Quay has beside it."""
    api = FastAPI(
        title="Wharf",
        version="v1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load their scripts from a foreign host
        redoc_url=None,
    )
    api.state.parts = parts
    api.add_middleware(Envelope)
    for router in _RESOURCES:
        api.include_router(router, prefix="/api/v1")
    for router in _FRONT:
        api.include_router(router)
    errors.install(api)
    return api
