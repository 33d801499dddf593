"""What the API tells about itself."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.world.api import Api
from tests.world.world import World
from wharf.api.config import FEATURES
from wharf.api.error_types import DESCRIPTIONS
from wharf.api.errors import ERRORS
from wharf.app import build
from wharf.config import AccountsConfig, Config, RegistryConfig, ServerConfig
from wharf.config.quay_keys import KEYS

TOP = {"account_recovery_mode", "config", "external_login", "features", "oauth", "registry_state", "version_number"}


@pytest.mark.parametrize("path", ["/config", "/api/v1/config"])
async def test_the_configuration_is_for_everybody(http: httpx.AsyncClient, path: str) -> None:
    told = (await http.get(path)).json()
    assert TOP == told.keys()
    assert "registry.test" == told["config"]["SERVER_HOSTNAME"]
    assert ("normal", True, False) == (
        told["registry_state"],
        told["features"]["USER_CREATION"],
        told["features"]["BILLING"],
    )


async def test_features_follow_the_configuration(world: World) -> None:
    config = Config(
        server=ServerConfig(public_url="https://images.example.com"),
        accounts=AccountsConfig(user_creation=False, app_tokens=False),
        registry=RegistryConfig(anonymous_access=False, read_only=True, library_namespace=None),
    )
    api = Api(world.database, world.clock, config)
    told = (await api.client().get("/config")).json()
    for name in ("USER_CREATION", "APP_SPECIFIC_TOKENS", "ANONYMOUS_ACCESS", "LIBRARY_SUPPORT"):
        assert told["features"][name] is False
    assert "readonly" == told["registry_state"]
    assert ("https", "images.example.com") == (
        told["config"]["PREFERRED_URL_SCHEME"],
        told["config"]["SERVER_HOSTNAME"],
    )
    await api.close()


def test_features_are_those_of_quay() -> None:
    assert not [name for name in FEATURES if f"FEATURE_{name}" not in KEYS]


def test_every_failure_is_explained() -> None:
    assert {rule.error_type for rule in ERRORS.values()} <= DESCRIPTIONS.keys()


async def test_a_failure_leads_to_its_explanation(http: httpx.AsyncClient) -> None:
    failure = (await http.get("/api/v1/nothing")).json()
    explained = (await http.get(failure["type"])).json()
    assert ("not_found", failure["type"]) == (explained["title"], explained["type"])
    assert explained["description"]
    assert 404 == (await http.get("/api/v1/error/nonsense")).status_code


async def test_swagger_describes_every_operation(http: httpx.AsyncClient) -> None:
    openapi = (await http.get("/api/v1/openapi.json")).json()
    swagger = (await http.get("/api/v1/discovery", params={"internal": "true"})).json()
    assert "2.0" == swagger["swagger"]
    operations = [each for operations in swagger["paths"].values() for each in operations.values()]
    assert {path: operations.keys() for path, operations in openapi["paths"].items()} == {
        path: operations.keys() for path, operations in swagger["paths"].items()
    }
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))
    change = swagger["paths"]["/api/v1/user/"]["put"]
    assert ([{"access_token": []}], ["user:admin"]) == (change["security"], change["x-scopes"])
    assert ["body"] == [parameter["in"] for parameter in change["parameters"]]


async def test_swagger_refers_to_what_it_defines(http: httpx.AsyncClient) -> None:
    swagger = (await http.get("/api/v1/discovery")).json()
    for key, value in _walk(swagger):
        assert key not in {"anyOf", "oneOf", "const", "prefixItems"}
        if key == "$ref":
            assert value.removeprefix("#/definitions/") in swagger["definitions"]


def _walk(document: Any) -> Any:
    if isinstance(document, dict):
        for key, value in document.items():
            yield key, value
            yield from _walk(value)
    elif isinstance(document, list):
        for value in document:
            yield from _walk(value)


async def test_what_stands_beside_api_is_reached(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/api/v1/openapi.json")).json()["paths"]
    segments = {path.split("/")[1] for path in paths} - {"api"}
    listed = re.findall(r'"(\w+)": api,', Path(build.__file__).read_text())
    assert {*segments, "api"} == set(listed)
