import httpx
import pytest

from wharf.accounts import setup, sign_in, users
from wharf.db import Database
from wharf.db.errors import DatabaseUnavailable

PATH = "/api/v1/user/initialize"
ADA = {"username": "ada", "password": "correct horse", "email": "ada@example.com", "access_token": True}


async def token(database: Database) -> str:
    async with database.write() as tx:
        made = await setup.prepare(tx)
    assert made is not None
    return made


@pytest.mark.parametrize("place", ["header", "body"])
async def test_the_setup_token_makes_the_first_superuser(
    http: httpx.AsyncClient, database: Database, place: str
) -> None:
    secret = await token(database)
    if place == "header":
        answer = await http.post(PATH, json=ADA, headers={"x-setup-token": secret})
    else:
        answer = await http.post(PATH, json={**ADA, "setup_token": secret})
    assert 200 == answer.status_code
    created = answer.json()
    program = {"authorization": f"Bearer {created.pop('access_token')}"}
    assert "ada" == (await sign_in.basic(database, "ada", created.pop("encrypted_password"))).name
    assert {"username": "ada", "email": "ada@example.com"} == created
    assert (await http.get("/api/v1/user/", headers=program)).json()["super_user"]
    principal = await sign_in.basic(database, "ada", "correct horse")
    assert principal.superuser


async def test_it_works_once(http: httpx.AsyncClient, database: Database) -> None:
    secret = await token(database)
    assert 200 == (await http.post(PATH, json=ADA, headers={"x-setup-token": secret})).status_code
    again = await http.post(PATH, json={**ADA, "username": "eve"}, headers={"x-setup-token": secret})
    assert 400 == again.status_code
    assert "Cannot initialize user in a non-empty database" == again.json()["message"]
    async with database.read() as read:
        assert await users.find(read, "eve") is None


@pytest.mark.parametrize(
    ("change", "headers", "status", "sentence"),
    [
        ({}, {}, 401, "setup token"),
        ({}, {"x-setup-token": "wrong"}, 401, "setup token"),
        ({"username": "No Good"}, None, 400, "cannot be used: No Good"),
        ({"password": "short"}, None, 400, "at least 8 characters"),
        ({"password": None}, None, 400, "password: "),
        ({"username": {"a": 1}}, None, 400, "username: "),
    ],
)
async def test_a_refused_attempt_says_why_and_changes_nothing(
    http: httpx.AsyncClient,
    database: Database,
    change: dict[str, object],
    headers: dict[str, str] | None,
    status: int,
    sentence: str,
) -> None:
    secret = await token(database)
    headers = {"x-setup-token": secret} if headers is None else headers
    answer = await http.post(PATH, json={**ADA, **change}, headers=headers)
    failure = answer.json()
    assert status == answer.status_code == failure["status"]
    assert sentence in failure["error_message"]
    assert "correct horse" not in answer.text
    async with database.read() as read:
        assert not await users.exist(read)
    assert 200 == (await http.post(PATH, json=ADA, headers={"x-setup-token": secret})).status_code


@pytest.mark.parametrize(("method", "path", "status"), [("GET", PATH, 405), ("GET", "/api/v1/nothing", 404)])
async def test_what_is_not_there_is_told_in_the_same_shape(
    http: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await http.request(method, path)
    assert status == answer.status_code == answer.json()["status"]


async def test_a_body_that_is_no_json_is_a_bad_request(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, content=b"{", headers={"content-type": "application/json"})
    assert 400 == answer.status_code
    assert "JSON" in answer.json()["detail"]


async def test_an_outage_asks_to_come_back(http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def exist(_read: object) -> bool:
        raise DatabaseUnavailable("password=hunter2")

    monkeypatch.setattr(users, "exist", exist)
    answer = await http.post(PATH, json=ADA)
    assert (503, "2") == (answer.status_code, answer.headers["retry-after"])
    assert "hunter2" not in answer.text


async def test_the_description_lists_the_operation(http: httpx.AsyncClient) -> None:
    document = (await http.get("/api/v1/openapi.json")).json()
    assert "createInstallUser" == document["paths"][PATH]["post"]["operationId"]
