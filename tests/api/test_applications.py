"""OAuth applications of organizations, their tokens, and what a user sees of them."""

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import Account, World
from wharf.access.api_scopes import ApiScope
from wharf.access.grants import TeamRole
from wharf.accounts import organizations

ALL = "/api/v1/organization/acme/applications"
AUTHORIZATIONS = "/api/v1/user/authorizations"
SHIPPER = {
    "name": "shipper",
    "redirect_uri": "https://shipper.test/back",
    "application_uri": "https://shipper.test",
    "description": "Ships.",
}
TOKEN = {"name": "nightly", "scope": "repo:read user:read"}


@pytest.fixture
async def owner(api: Api, world: World, ada: Account) -> httpx.AsyncClient:
    """Ada's browser; she administers acme."""
    await world.organization("acme", by=ada)
    return await api.browser(ada)


async def created(owner: httpx.AsyncClient) -> str:
    answer = await owner.post(ALL, json=SHIPPER)
    assert 200 == answer.status_code
    return f"{ALL}/{answer.json()['client_id']}"


async def test_the_life_of_an_application(owner: httpx.AsyncClient) -> None:
    one = await created(owner)
    shown = (await owner.get(one)).json()
    assert {**SHIPPER, "avatar_email": None} == {
        key: value for key, value in shown.items() if key not in {"client_id", "client_secret"}
    }
    assert [shown] == (await owner.get(ALL)).json()["applications"]

    changed = (await owner.put(one, json={"name": "mailer", "redirect_uri": "x", "application_uri": "y"})).json()
    assert ("mailer", "", shown["client_secret"]) == (
        changed["name"],
        changed["description"],
        changed["client_secret"],
    )
    renewed = (await owner.post(f"{one}/resetclientsecret")).json()
    assert {**changed, "client_secret": renewed["client_secret"]} == renewed
    assert renewed["client_secret"] != shown["client_secret"]
    assert renewed == (await owner.get(one)).json()

    assert 204 == (await owner.delete(one)).status_code
    assert 404 == (await owner.get(one)).status_code


async def test_a_token_acts_for_who_made_it(api: Api, owner: httpx.AsyncClient, world: World) -> None:
    one = await created(owner)
    answer = await owner.post(f"{one}/tokens", json={**TOKEN, "expiration": 3600})
    assert 200 == answer.status_code
    issued = answer.json()
    program = api.client(headers={"authorization": f"Bearer {issued.pop('token')}"})
    assert "ada" == (await program.get("/api/v1/user/")).json()["username"]
    assert 403 == (await program.get(ALL)).status_code
    assert ("nightly", "repo:read user:read", "ada", None) == tuple(
        issued[name] for name in ("name", "scope", "created_by", "last_accessed")
    )
    (listed,) = (await owner.get(f"{one}/tokens")).json()["tokens"]
    assert listed.pop("last_accessed")
    assert listed == {key: value for key, value in issued.items() if key != "last_accessed"}

    world.pass_time(hours=1)
    assert "expired_token" == (await program.get("/api/v1/user/")).json()["error_type"]


async def test_revoking_and_deleting_end_tokens(api: Api, owner: httpx.AsyncClient) -> None:
    one = await created(owner)
    issued = [(await owner.post(f"{one}/tokens", json=TOKEN)).json() for _ in range(2)]
    programs = [api.client(headers={"authorization": f"Bearer {each['token']}"}) for each in issued]
    first = f"{one}/tokens/{issued[0]['uuid']}"
    assert [204, 404] == [(await owner.delete(first)).status_code for _ in range(2)]
    assert [401, 200] == [(await program.get("/api/v1/user/")).status_code for program in programs]
    await owner.delete(one)
    assert [401, 401] == [(await program.get("/api/v1/user/")).status_code for program in programs]


async def test_an_organization_takes_its_applications_along(api: Api, owner: httpx.AsyncClient, ada: Account) -> None:
    one = await created(owner)
    text = (await owner.post(f"{one}/tokens", json=TOKEN)).json()["token"]
    assert 204 == (await owner.delete("/api/v1/organization/acme")).status_code
    program = api.client(headers={"authorization": f"Bearer {text}"})
    assert 401 == (await program.get("/api/v1/user/")).status_code
    assert 404 == (await owner.get(one)).status_code


async def test_tokens_come_in_pages(owner: httpx.AsyncClient) -> None:
    one = await created(owner)
    names = ["a", "b", "c"]
    for name in names:
        await owner.post(f"{one}/tokens", json={**TOKEN, "name": name})
    seen, page = [], {"limit": "2"}
    while True:
        answer = (await owner.get(f"{one}/tokens", params=page)).json()
        seen.append([token["name"] for token in answer["tokens"]])
        if "next_page" not in answer:
            break
        page["next_page"] = answer["next_page"]
    assert [["a", "b"], ["c"]] == seen
    other = await created(owner)
    for path, token in ((other, page["next_page"]), (one, "nonsense"), (one, "ä"), (one, "A" * 5000)):
        assert 400 == (await owner.get(f"{path}/tokens", params={"next_page": token})).status_code


@pytest.mark.parametrize(
    "change", [{"scope": ""}, {"scope": "repo:paint"}, {"name": ""}, {"expiration": 0}, {"expiration": 10**12}]
)
async def test_a_token_that_makes_no_sense(owner: httpx.AsyncClient, change: dict[str, object]) -> None:
    one = await created(owner)
    assert 400 == (await owner.post(f"{one}/tokens", json={**TOKEN, **change})).status_code
    assert [] == (await owner.get(f"{one}/tokens")).json()["tokens"]


async def test_no_token_issues_one_that_may_do_more(api: Api, owner: httpx.AsyncClient, ada: Account) -> None:
    one = await created(owner)
    program = await api.bearer(ada, ApiScope.ORG_ADMIN, ApiScope.REPO_ADMIN)
    for scope, status in (("super:user", 403), ("org:admin repo:read", 200)):
        answer = await program.post(f"{one}/tokens", json={**TOKEN, "scope": scope})
        assert status == answer.status_code


async def test_who_may(api: Api, world: World, owner: httpx.AsyncClient) -> None:
    one = await created(owner)
    member, root = await world.user("member"), await world.user("root", superuser=True)
    creator = await world.user("creator")
    async with world.database.read() as read:
        acme = await organizations.get(read, "acme")
    await world.team(acme, "members", TeamRole.MEMBER, member)
    await world.team(acme, "creators", TeamRole.CREATOR, creator)
    expected = {"member": 403, "creator": 403, "stranger": 403, "root": 200}
    for account in (member, creator, await world.user("stranger"), root):
        client = await api.browser(account)
        for path in (ALL, one, f"{one}/tokens"):
            assert expected[account.name] == (await client.get(path)).status_code
    assert 401 == (await api.client().get(ALL)).status_code
    assert [404, 404] == [
        (await owner.get(path)).status_code for path in (f"{ALL}/none", "/api/v1/organization/none/applications")
    ]


async def test_a_user_sees_and_ends_what_acts_for_them(
    api: Api, world: World, owner: httpx.AsyncClient, ada: Account
) -> None:
    one = await created(owner)
    program = (await owner.post(f"{one}/tokens", json=TOKEN)).json()
    own = await api.bearer(ada)
    listed = (await own.get(AUTHORIZATIONS)).json()["authorizations"]
    assert [("shipper", "acme"), ("a test", "ada")] == [
        (each["application"]["name"], each["application"]["organization"]["name"]) for each in listed
    ]
    first = listed[0]
    assert {"application", "scopes", "uuid"} == first.keys()
    assert {"name", "description", "url", "avatar", "organization"} == first["application"].keys()
    assert ["repo:read", "user:read"] == [scope["scope"] for scope in first["scopes"]]
    assert {"title", "scope", "description", "icon", "dangerous"} == first["scopes"][0].keys()
    path = f"{AUTHORIZATIONS}/{program['uuid']}"
    eve = await api.bearer(await world.user("eve"))
    assert [404, 404] == [(await eve.get(path)).status_code, (await eve.delete(path)).status_code]
    assert first == (await own.get(path)).json()
    assert [204, 404, 404] == [
        (await own.delete(path)).status_code,
        (await own.delete(path)).status_code,
        (await own.get(path)).status_code,
    ]
    gone = api.client(headers={"authorization": f"Bearer {program['token']}"})
    assert 401 == (await gone.get("/api/v1/user/")).status_code


async def test_a_token_for_a_program_of_ones_own(api: Api, world: World, ada: Account) -> None:
    browser = await api.browser(ada)
    body = {"title": "my script", "scope": "user:admin repo:read", "expiration": 60}
    answer = await browser.post(AUTHORIZATIONS, json=body)
    assert 200 == answer.status_code
    issued = answer.json()
    program = api.client(headers={"authorization": f"Bearer {issued.pop('token')}"})
    assert issued.pop("expires_at")
    assert issued == (await program.get(f"{AUTHORIZATIONS}/{issued['uuid']}")).json()
    assert "my script" == issued["application"]["name"]
    stronger = {"title": "more", "scope": "super:user"}
    assert 403 == (await program.post(AUTHORIZATIONS, json=stronger)).status_code
    for wrong in ({"scope": ""}, {"scope": "x"}, {"title": ""}, {"expiration": 0}):
        assert 400 == (await browser.post(AUTHORIZATIONS, json=body | wrong)).status_code
    world.pass_time(minutes=11)
    assert 401 == (await browser.post(AUTHORIZATIONS, json=body)).status_code
    assert 401 == (await program.get(AUTHORIZATIONS)).status_code
