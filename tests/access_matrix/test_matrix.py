"""Every route of `/v2` × every kind of caller, against a committed table.

A line that changes in `matrix.txt` is a permission that changed: read it as one. After a change that is meant, write
the table anew with

    WHARF_UPDATE_SNAPSHOTS=1 .venv/bin/pytest tests/access_matrix

Each caller is a client that fetches the token it is asked for; the table says how its request ended.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import Client, Response, World
from tests.world.world import index
from wharf.access.grants import Role, TeamRole
from wharf.oci.digest import Digest
from wharf.v2.router import ROUTES, Endpoint

SNAPSHOT = Path(__file__).with_name("matrix.txt")

CALLERS = (
    "anonymous",
    "stranger",
    "member",
    "creator",
    "reader",
    "teammate",
    "writer",
    "robot",
    "admin",
    "owner",
    "superuser",
)
GRANTS = {"reader": Role.READ, "writer": Role.WRITE, "robot": Role.WRITE, "admin": Role.ADMIN}
REPOSITORIES = ("acme/public", "acme/private", "acme/absent")

DATA = b"a layer"
HERE = Digest.of(DATA)
ABSENT = Digest.of(b"not there")
MANIFEST = b'{"schemaVersion":2,"manifests":[]}'

# Where each endpoint is tried. What is deleted is absent, so that one caller's success is not the next one's 404.
PATHS: dict[tuple[Endpoint, str], str] = {
    (Endpoint.PING, ""): "/v2/",
    (Endpoint.TOKEN, ""): "/v2/auth",
    (Endpoint.CATALOG, ""): "/v2/_catalog",
    (Endpoint.EXTENSIONS, ""): "/v2/_oci/ext/discover",
    (Endpoint.BLOB, ""): f"/v2/{{name}}/blobs/{HERE}",
    (Endpoint.BLOB, "DELETE"): f"/v2/{{name}}/blobs/{ABSENT}",
    (Endpoint.UPLOADS, ""): "/v2/{name}/blobs/uploads/",
    (Endpoint.UPLOAD, ""): f"/v2/{{name}}/blobs/uploads/{'0' * 32}",
    (Endpoint.UPLOAD, "PUT"): f"/v2/{{name}}/blobs/uploads/{'0' * 32}?digest={ABSENT}",
    (Endpoint.MANIFEST, ""): "/v2/{name}/manifests/latest",
    (Endpoint.MANIFEST, "DELETE"): "/v2/{name}/manifests/absent",
    (Endpoint.TAGS, ""): "/v2/{name}/tags/list",
    (Endpoint.REFERRERS, ""): f"/v2/{{name}}/referrers/{ABSENT}",
}


def _requests() -> Iterator[tuple[str, str]]:
    for endpoint, routes in ROUTES.items():
        for method in routes:
            path = PATHS.get((endpoint, method)) or PATHS[endpoint, ""]
            for name in REPOSITORIES if "{name}" in path else ("",):
                yield method, path.replace("{name}", name)


@pytest.fixture
async def clients(world: World) -> dict[str, Client]:
    """A client for each kind of caller, around an organization with a public and a private repository."""
    accounts = {name: await world.user(name) for name in CALLERS if name not in {"anonymous", "robot", "superuser"}}
    accounts["superuser"] = await world.user("superuser", superuser=True)
    owner = accounts["owner"]
    acme = await world.organization("acme", by=owner)
    accounts["robot"] = await world.robot("acme")
    await world.team(acme, "members", TeamRole.MEMBER, accounts["member"])
    await world.team(acme, "creators", TeamRole.CREATOR, accounts["creator"])
    developers = await world.team(acme, "developers", TeamRole.MEMBER, accounts["teammate"])
    for name in ("acme/public", "acme/private"):
        repository = await world.repository(name, by=owner, public=name == "acme/public")
        await world.push_blob(repository, DATA, by=owner)
        await world.push_manifest(repository, index(), "latest", by=owner)
        for caller, role in GRANTS.items():
            await world.grant(repository, role, accounts[caller])
        await world.grant(repository, Role.WRITE, developers)
    return {name: world.client(accounts.get(name)) for name in CALLERS}


async def _ask(client: Client, caller: str, method: str, path: str) -> Response:
    # A push may create what is absent, so each caller has an absent repository of its own.
    path = path.replace("acme/absent", f"acme/absent-{method.lower()}-{caller}")
    if path.startswith("/v2/auth"):
        body = b"grant_type=password&" + f"username={caller}&password=wrong".encode() if method == "POST" else None
        return await client.send(method, path, headers=client.basic, body=body)
    body = MANIFEST if "/manifests/" in path and method == "PUT" else b""
    return await client.request(method, path, body=body if method in {"POST", "PUT", "PATCH"} else None)


def _outcome(method: str, response: Response) -> str:
    code = response.codes[0] if response.status >= 400 and method != "HEAD" else ""
    return f"{response.status} {code}".strip()


async def test_who_may_do_what(clients: dict[str, Client]) -> None:
    lines = []
    for method, path in _requests():
        outcomes: dict[str, list[str]] = {}
        for caller, client in clients.items():
            outcome = _outcome(method, await _ask(client, caller, method, path))
            outcomes.setdefault(outcome, []).append(caller)
        lines.append(f"{method} {path}")
        lines += [f"    {outcome:24} {' '.join(callers)}" for outcome, callers in sorted(outcomes.items())]
    table = "\n".join(lines) + "\n"
    if os.environ.get("WHARF_UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(table)
    assert SNAPSHOT.read_text() == table
