"""A registry in one process: database, local storage, tokens and the `/v2` surface, with people and content in it."""

import itertools
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from tests.world.client import Client
from wharf.access.grants import Role, TeamRole, Visibility
from wharf.access.principals import Principal, PrincipalKind
from wharf.accounts import organizations, passwords, robots, teams, users
from wharf.accounts.namespaces import Namespace
from wharf.accounts.passwords import PasswordHash
from wharf.accounts.registry_tokens import TokenService
from wharf.accounts.teams import Team
from wharf.config import RegistryConfig, StorageConfig
from wharf.content import manifests, repositories, sharing
from wharf.content.manifests import ManifestRules, Push
from wharf.content.repositories import Repository
from wharf.content.uploads import Uploads
from wharf.db import Database
from wharf.kit.clock import utc_now
from wharf.kit.crypto import SecretBox
from wharf.oci import manifests as documents
from wharf.oci import media_types
from wharf.oci.digest import EMPTY_JSON, Digest
from wharf.oci.names import RepositoryName, TagName
from wharf.storage.base import Storage
from wharf.storage.registry import open_storage
from wharf.v2 import V2

PASSWORD = "correct horse: battery staple"
SERVICE = "registry.test"
_LEASE = timedelta(days=1)
_hashes: list[PasswordHash] = []


@dataclass(frozen=True)
class Account:
    """Who can sign in, and how."""

    principal: Principal
    name: str
    secret: str


class World:
    """Everything a test needs; `clock` stands still until the test moves it, for tokens and uploads."""

    def __init__(self, database: Database, storage: Storage, storage_folder: Path, config: RegistryConfig) -> None:
        self.database = database
        self.storage_folder = storage_folder
        self.storage = storage
        self.config = config
        self.now = datetime.now(UTC)
        self.tokens = TokenService(
            database,
            SecretBox("a key that only tests have, 32 long"),
            issuer="wharf",
            audience=SERVICE,
            lifetime=timedelta(seconds=config.token_lifetime_seconds),
            clock=self.clock,
        )
        self.uploads = Uploads(
            database,
            storage,
            session_lifetime=timedelta(seconds=config.upload_ttl_seconds),
            blob_lease=_LEASE,
            clock=self.clock,
        )
        self.v2 = self.surface()
        self._numbers = itertools.count(1)

    @classmethod
    async def build(cls, database: Database, folder: Path, config: RegistryConfig | None = None) -> Self:
        """Start a registry, or another replica of one, over a database and a folder."""
        storage = await open_storage(StorageConfig(path=folder))
        world = cls(database, storage, folder, config or RegistryConfig())
        await world.tokens.reload()
        return world

    def clock(self) -> datetime:
        return self.now

    def pass_time(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def surface(self, *, public_url: str | None = None, **changes: Any) -> V2:
        """The application with some settings changed, over the same database and storage."""
        return V2(
            replace(self.config, **changes),
            self.database,
            self.storage,
            self.tokens,
            self.uploads,
            public_url=public_url,
        )

    def surface_over(self, storage: Any) -> V2:
        """The application over a storage of the test's own making."""
        return V2(self.config, self.database, storage, self.tokens, self.uploads)

    def client(self, account: Account | None = None, **options: Any) -> Client:
        """A client of `account`, or an anonymous one."""
        application = options.pop("application", self.v2)
        basic = (account.name, account.secret) if account else None
        return Client(application, basic=basic, **options)

    # People ---------------------------------------------------------------------------------------------------------

    async def user(self, name: str = "ada", *, superuser: bool = False) -> Account:
        if not _hashes:  # one hash for all: argon2 is slow on purpose
            _hashes.append(await passwords.hash_(PASSWORD))
        async with self.database.write() as tx:
            user = await users.create(tx, name, _hashes[0], superuser=superuser)
        return Account(user.principal, name, PASSWORD)

    async def organization(self, name: str, *, by: Account) -> Namespace:
        async with self.database.write() as tx:
            return await organizations.create(tx, name, by=by.principal)

    async def team(self, organization: Namespace, name: str, role: TeamRole, *members: Account) -> Team:
        async with self.database.write() as tx:
            team = await teams.create(tx, organization, name, role)
            for member in members:
                await teams.add_member(tx, team, member.principal)
        return team

    async def robot(self, owner: str, name: str = "robot") -> Account:
        async with self.database.write() as tx:
            robot, token = await robots.create(tx, owner, name)
        return Account(robot.principal, robot.full_name, token)

    # Content --------------------------------------------------------------------------------------------------------

    async def repository(self, name: str, *, by: Account, public: bool = False) -> Repository:
        visibility = Visibility.PUBLIC if public else Visibility.PRIVATE
        async with self.database.write() as tx:
            return await repositories.create(
                tx, RepositoryName(name), by=by.principal, visibility=visibility, at=utc_now()
            )

    async def grant(self, repository: Repository, role: Role, to: Account | Team) -> None:
        async with self.database.write() as tx:
            await sharing.grant(
                tx,
                repository,
                to.principal if isinstance(to, Account) else to,
                role,
                by=Principal(PrincipalKind.USER, 0, "somebody"),
                at=utc_now(),
            )

    async def push_blob(self, repository: Repository, data: bytes, *, by: Account) -> Digest:
        session = await self.uploads.create(repository, by=by.principal)
        session = await self.uploads.receive(session, _chunks(data))
        return (await self.uploads.commit(session, Digest.of(data))).digest

    async def push_manifest(self, repository: Repository, document: dict[str, Any], *tags: str, by: Account) -> Digest:
        body = json.dumps(document).encode()
        digest = Digest.of(body)
        await manifests.put(
            self.database,
            repository,
            Push(documents.parse(body), body, digest, [TagName(tag) for tag in tags], by.principal, utc_now()),
            ManifestRules(allow_sparse_indexes=False, lease=_LEASE),
        )
        return digest

    async def push_image(self, repository: Repository, *tags: str, by: Account, **fields: Any) -> Digest:
        """Push an image with one layer of its own; `fields` are added to the manifest."""
        await self.push_blob(repository, b"{}", by=by)
        layer = f"layer {next(self._numbers)}".encode()
        await self.push_blob(repository, layer, by=by)
        return await self.push_manifest(repository, image(layer) | fields, *tags, by=by)


def image(*layers: bytes) -> dict[str, Any]:
    """An OCI image manifest with an empty config."""
    return {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": {"mediaType": media_types.EMPTY, "digest": EMPTY_JSON, "size": 2},
        "layers": [
            {"mediaType": media_types.OCTET_STREAM, "digest": Digest.of(layer), "size": len(layer)} for layer in layers
        ],
    }


def index(*manifests: dict[str, Any]) -> dict[str, Any]:
    """An OCI index of descriptors."""
    return {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": list(manifests)}


def descriptor(document: dict[str, Any] | bytes, media_type: str = media_types.OCI_MANIFEST) -> dict[str, Any]:
    """The descriptor of a document as `push_manifest` stores it."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return {"mediaType": media_type, "digest": Digest.of(body), "size": len(body)}


async def _chunks(data: bytes) -> Any:
    yield data
