"""The REST API, `/api/v1/…`, for the web UI and automation; it keeps the paths and shapes of Quay's.

FastAPI lives only here: it describes each resource for OpenAPI. One resource per file; a handler calls verbs of the
rooms below, and names that Quay fixed are translated here and nowhere else. `app` builds it with `create_api`.
"""

from fastapi import FastAPI

from wharf.api import errors, user
from wharf.api.kit import Parts
from wharf.db import Database

__all__ = ["create_api"]


def create_api(database: Database) -> FastAPI:
    """Return the ASGI application of everything under `/api`."""
    api = FastAPI(
        title="Wharf",
        version="v1",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load their scripts from a foreign host
        redoc_url=None,
    )
    api.state.parts = Parts(database)
    api.include_router(user.router, prefix="/api/v1")
    errors.install(api)
    return api
