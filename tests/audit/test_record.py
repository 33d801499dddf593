"""What changes something is in the trail if and only if it is a fact."""

import pytest

from tests.audit.conftest import everything
from tests.events.test_events import sample
from tests.world.world import Account, World
from wharf.audit import kinds
from wharf.audit.entry import ActorKind
from wharf.audit.record import entry_of
from wharf.content import tags
from wharf.content.repositories import Repository
from wharf.db import Database
from wharf.events.catalog import EVENTS, Event, RobotCreated, TagMoved, UserCreated
from wharf.events.publish import publish
from wharf.kit.clock import utc_now
from wharf.oci.names import TagName
from wharf.telemetry import request
from wharf.telemetry.request_id import request_id


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
async def test_every_event_can_be_written_and_belongs_to_a_namespace(database: Database, event: type[Event]) -> None:
    async with database.write() as tx:
        await publish(tx, sample(event))
    (entry,) = await everything(database)
    assert (kinds.TAG_CREATED if event is TagMoved else event.name) == entry.kind
    assert entry.namespace == "text"


async def test_a_push_says_who_what_and_where(world: World, repository: Repository, ada: Account) -> None:
    digest = await world.push_image(repository, "latest", by=ada)
    created, moved, pushed = (await everything(world.database))[-3:]
    assert ["repository_created", "tag_created", "manifest_pushed"] == [created.kind, moved.kind, pushed.kind]
    assert (ActorKind.USER, "ada", ada.principal.id) == (pushed.actor_kind, pushed.actor, pushed.actor_id)
    assert (repository.namespace_id, "ada") == (pushed.namespace_id, pushed.namespace)
    assert (repository.id, "ada/app") == (pushed.repository_id, pushed.repository)
    assert digest == pushed.details["digest"]
    assert ["latest"] == pushed.details["tags"]
    assert {"tag": "latest", "digest": digest, "previous_digest": None} == moved.details


async def test_a_robot_acts_on_behalf_of_its_owner(world: World, repository: Repository, ada: Account) -> None:
    robot = await world.robot("ada")
    await world.push_image(repository, by=robot)
    entry = (await everything(world.database))[-1]
    assert (ActorKind.ROBOT, "ada+robot") == (entry.actor_kind, entry.actor)
    assert (robot.principal.id, "ada") == (entry.actor_id, entry.on_behalf_of)


async def test_what_is_rolled_back_was_never_done(world: World, repository: Repository, ada: Account) -> None:
    await world.push_image(repository, "latest", by=ada)
    before = await everything(world.database)

    async def delete_and_break() -> None:
        async with world.database.write() as tx:
            await tags.delete(tx, repository, TagName("latest"), by=ada.principal, at=utc_now())
            raise LookupError

    with pytest.raises(LookupError):
        await delete_and_break()
    assert before == await everything(world.database)


async def test_the_request_being_answered_is_named(world: World, ada: Account) -> None:
    agent = b"curl/8\0 " + b"x" * 1000
    request.scope.set({"client": ("192.0.2.7", 5000), "headers": [(b"accept", b"*/*"), (b"user-agent", agent)]})
    request_id.set("request-1")
    await world.repository("ada/other", by=ada)
    entry = (await everything(world.database))[-1]
    assert ("192.0.2.7", "request-1") == (entry.client_ip, entry.request_id)
    assert entry.user_agent is not None
    assert entry.user_agent.startswith("curl/8 xxx")
    assert len(entry.user_agent) < 513


def test_nobody_is_the_system_and_a_number_in_the_event_is_believed() -> None:
    event = UserCreated(at=utc_now(), by="", user_id=7, user="ada")
    entry = entry_of(event)
    assert ActorKind.SYSTEM is entry.actor_kind
    assert ("ada", 7) == (entry.namespace, entry.namespace_id)
    assert "acme" == entry_of(RobotCreated(at=utc_now(), by="ada", robot_id=1, robot="acme+deploy")).namespace
