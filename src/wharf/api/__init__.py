"""The REST API, `/api/v1/…`, for the web UI and automation; it keeps the paths and shapes of Quay's.

FastAPI lives only here: it describes each resource for OpenAPI. One resource per file; a handler calls verbs of the
rooms below, and names that Quay fixed are translated here and nowhere else. `app` builds it with `create_api`.
"""

from fastapi import FastAPI

from wharf.api import errors, user, user_sessions
from wharf.api.kit import Parts

__all__ = ["Parts", "create_api"]

#: Every resource; the order is that of the description.
_RESOURCES = (user.router, user_sessions.router)


def create_api(parts: Parts) -> FastAPI:
    """Return the ASGI application of everything under `/api`."""
    api = FastAPI(
        title="Wharf",
        version="v1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load their scripts from a foreign host
        redoc_url=None,
        redirect_slashes=False,
    )
    api.state.parts = parts
    for router in _RESOURCES:
        api.include_router(router, prefix="/api/v1")
    errors.install(api)
    return api
