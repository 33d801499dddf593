"""Pulls, denials and sign-ins: all of them are written, soon, and nothing waits for it."""

import asyncio

import pytest

from tests.audit.conftest import EVER, everything
from tests.world.client import Client
from tests.world.world import Account, World
from wharf.access.actions import Action
from wharf.access.grants import Role
from wharf.access.principals import ANONYMOUS
from wharf.audit import kinds
from wharf.audit import trail as trails
from wharf.audit.entry import ActorKind, Entry
from wharf.audit.trail import Trail
from wharf.content.repositories import Repository
from wharf.db import Database
from wharf.db.errors import DatabaseError, DatabaseUnavailable
from wharf.v2 import V2

KINDS = [kinds.MANIFEST_PULLED, kinds.PULL_DENIED, kinds.PUSH_DENIED, kinds.SIGN_IN_FAILED]


async def noted(trail: Trail, database: Database, *wanted: str) -> list[Entry]:
    """The entries of some kinds, after a flush."""
    await trail.flush()
    return [each for each in await everything(database) if each.kind in (wanted or KINDS)]


async def test_a_pull_by_tag_and_one_by_digest(
    world: World, trail: Trail, client: Client, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    for reference in ("latest", digest):
        assert 200 == (await client.get(f"/v2/ada/app/manifests/{reference}")).status
    by_tag, by_digest = await noted(trail, world.database)
    assert {"digest": digest, "tag": "latest"} == by_tag.details
    assert {"digest": digest} == by_digest.details
    assert kinds.MANIFEST_PULLED == by_tag.kind == by_digest.kind
    assert ("ada", ada.principal.id) == (by_tag.actor, by_tag.actor_id)
    assert ("ada/app", repository.id, "ada", repository.namespace_id) == (
        by_tag.repository,
        by_tag.repository_id,
        by_tag.namespace,
        by_tag.namespace_id,
    )


async def test_what_hands_out_nothing_is_no_pull(
    world: World, trail: Trail, client: Client, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    assert 200 == (await client.head("/v2/ada/app/manifests/latest")).status
    assert 304 == (await client.get("/v2/ada/app/manifests/latest", headers={"if-none-match": digest})).status
    assert 404 == (await client.get("/v2/ada/app/manifests/absent")).status
    assert [] == await noted(trail, world.database)


async def test_anonymous_pulls_too(world: World, trail: Trail, front: V2, ada: Account) -> None:
    public = await world.repository("ada/public", by=ada, public=True)
    await world.push_image(public, "latest", by=ada)
    assert 200 == (await world.client(application=front).get("/v2/ada/public/manifests/latest")).status
    (entry,) = await noted(trail, world.database)
    assert ActorKind.ANONYMOUS is entry.actor_kind


async def test_every_one_of_many_pulls_is_written_within_a_second(
    world: World, trail: Trail, client: Client, ada: Account, repository: Repository
) -> None:
    await world.push_image(repository, "latest", by=ada)
    first = await client.get("/v2/ada/app/manifests/latest")  # fetches the token that all others use
    others = await asyncio.gather(*(client.get("/v2/ada/app/manifests/latest") for _ in range(349)))
    assert {200} == {answer.status for answer in (first, *others)}
    assert trail._timer is not None, "the first of them started the clock"
    async with asyncio.timeout(10):
        while trail._timer is not None:
            await asyncio.sleep(0.05)
    pulls = [each for each in await everything(world.database) if each.kind == kinds.MANIFEST_PULLED]
    assert 350 == sum(each.repeat_count for each in pulls)


async def test_only_the_very_same_pull_is_counted_instead_of_written_again(
    world: World, trail: Trail, client: Client, ada: Account, repository: Repository
) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    robot = await world.robot("ada")
    await world.grant(repository, Role.READ, robot)
    machine = world.client(robot, application=client._application)
    for who, reference in ((client, "latest"), (client, digest), (machine, "latest"), (client, "latest")):
        assert 200 == (await who.get(f"/v2/ada/app/manifests/{reference}")).status
    first = await noted(trail, world.database)
    assert [("ada", "latest", 2), ("ada", None, 1), ("ada+robot", "latest", 1)] == [
        (each.actor, each.details.get("tag"), each.repeat_count) for each in first
    ]
    await client.get("/v2/ada/app/manifests/latest")
    assert 4 == len(await noted(trail, world.database)), "another second is another entry"


async def test_a_process_that_is_stopped_writes_what_it_noted(
    world: World, trail: Trail, client: Client, ada: Account, repository: Repository
) -> None:
    await world.push_image(repository, "latest", by=ada)
    await client.get("/v2/ada/app/manifests/latest")
    await trail.close()
    assert kinds.MANIFEST_PULLED == (await everything(world.database))[-1].kind


async def test_who_may_read_is_denied_to_write(world: World, trail: Trail, front: V2, repository: Repository) -> None:
    eve = await world.user("eve")
    await world.grant(repository, Role.READ, eve)
    assert 403 == (await world.client(eve, application=front).post("/v2/ada/app/blobs/uploads/")).status
    (entry,) = await noted(trail, world.database)
    assert (kinds.PUSH_DENIED, "eve", "ada", "ada/app") == (
        entry.kind,
        entry.actor,
        entry.namespace,
        entry.repository,
    )
    assert (repository.namespace_id, repository.id) == (entry.namespace_id, entry.repository_id)


async def test_what_is_hidden_from_the_caller_is_told_to_its_owner(
    world: World, trail: Trail, front: V2, repository: Repository
) -> None:
    eve = world.client(await world.user("eve"), application=front)
    hidden = await eve.get("/v2/ada/app/manifests/latest")
    absent = await eve.get("/v2/ada/nothing/manifests/latest")
    assert (404, hidden.codes, hidden.headers.keys()) == (absent.status, absent.codes, absent.headers.keys())
    (entry,) = await noted(trail, world.database)
    assert (kinds.PULL_DENIED, "ada/app", "hidden") == (entry.kind, entry.repository, entry.details["reason"])


async def test_a_stranger_counts_once_it_has_a_token(
    world: World, trail: Trail, front: V2, repository: Repository
) -> None:
    stranger = world.client(application=front)
    challenged = await stranger.send("GET", "/v2/ada/app/manifests/latest")
    assert [] == await noted(trail, world.database)
    token = await stranger.token(challenged.challenge)
    assert 401 == (await stranger.send("GET", "/v2/ada/app/manifests/latest", token=token)).status
    (entry,) = await noted(trail, world.database)
    assert (kinds.PULL_DENIED, ActorKind.ANONYMOUS) == (entry.kind, entry.actor_kind)


async def test_signing_in_well_and_badly(world: World, trail: Trail, front: V2, ada: Account) -> None:
    wrong = Account(ada.principal, "ada", "guess")
    good, bad = (world.client(account, application=front) for account in (ada, wrong))
    assert 200 == (await good.send("GET", "/v2/auth", headers=good.basic)).status
    for path in ("/v2/auth", "/v2/"):
        assert 401 == (await bad.send("GET", path, headers=bad.basic)).status
    right, failed = await noted(trail, world.database, kinds.SIGNED_IN, kinds.SIGN_IN_FAILED)
    assert (kinds.SIGNED_IN, "ada", "ada") == (right.kind, right.actor, right.namespace)
    assert (ActorKind.ANONYMOUS, 2) == (failed.actor_kind, failed.repeat_count)
    assert {"to": "registry", "username": "ada", "reason": "invalid"} == failed.details
    assert ada.principal.namespace_id == failed.namespace_id


async def test_a_robot_signs_in_under_its_owner(world: World, trail: Trail, front: V2, ada: Account) -> None:
    client = world.client(await world.robot("ada"), application=front)
    await client.send("GET", "/v2/auth", headers=client.basic)
    (entry,) = await noted(trail, world.database, kinds.SIGNED_IN)
    assert (ActorKind.ROBOT, "ada", ada.principal.namespace_id) == (
        entry.actor_kind,
        entry.namespace,
        entry.namespace_id,
    )


async def test_a_database_that_is_away_costs_nothing_but_patience(
    world: World, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail.sign_in_failed("ada", to="registry", reason="invalid")
    with monkeypatch.context() as away:
        away.setattr(type(world.database), "write", _unavailable)
        with pytest.raises(DatabaseUnavailable):
            await trail.flush()
    trail.sign_in_failed("eve", to="registry", reason="invalid")
    assert ["ada", "eve"] == [each.details["username"] for each in await noted(trail, world.database)]


async def test_an_entry_that_the_database_refuses_does_not_hold_up_others(
    world: World, trail: Trail, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trail._write

    async def write(self: Trail, entries: list[Entry]) -> None:
        if any(each.details["username"] == "bad" for each in entries):
            raise DatabaseError("no")
        await real(self, entries)

    monkeypatch.setattr(Trail, "_write", write)
    for name in ("ada", "bad", "eve"):
        trail.sign_in_failed(name, to="registry", reason="invalid")
    assert ["ada", "eve"] == [each.details["username"] for each in await noted(trail, world.database)]


async def test_what_waits_is_bounded(world: World, trail: Trail, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trails, "_MAX_WAITING", 3)
    for number in range(5):
        trail.denied(ANONYMOUS, f"ada/app{number}", Action.PULL, "hidden")
    assert 3 == len(await noted(trail, world.database))


async def test_hostile_names_fit(world: World, trail: Trail) -> None:
    for name in ("x" * 5000, "\0+\0", "ä" * 300, ""):
        trail.sign_in_failed(name, to="api", reason="invalid")
    assert 4 == len(await noted(trail, world.database))
    assert EVER.until.year == 2100


def _unavailable(*_: object, **__: object) -> None:
    raise DatabaseUnavailable("away")
