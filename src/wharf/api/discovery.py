"""`/api/v1/discovery`: the API's description as Swagger 2.0, which clients of Quay read.

Made of the OpenAPI document at `/api/v1/openapi.json`, which says more: Swagger 2.0 has no alternatives and no null.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from wharf.api.kit import FAILURES, WithParts

router = APIRouter(tags=["about"], responses=FAILURES)

_SCHEMAS, _DEFINITIONS = "#/components/schemas/", "#/definitions/"
# What of a schema means the same in both.
_KEPT = (
    *("type", "title", "description", "format", "enum", "default", "required", "pattern", "minimum", "maximum"),
    *("minLength", "maxLength", "minItems", "maxItems"),
)


@router.get("/discovery", operation_id="discovery", summary="Describe the API as Swagger 2.0")
async def get_(
    request: Request,
    parts: WithParts,
    internal: Annotated[str, Query(description="Taken for clients of Quay; everything is described anyway.")] = "",
) -> dict[str, Any]:
    """Return a Swagger 2.0 document of every operation."""
    del internal
    document = request.app.openapi()
    url = parts.config.server.public_url or str(request.base_url).rstrip("/")
    scheme, _, host = url.partition("://")
    return {
        "swagger": "2.0",
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "host": host,
        "basePath": "/",
        "schemes": [scheme],
        "securityDefinitions": {
            "access_token": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Bearer` and an access token; `x-scopes` of an operation names what it must be for",
            }
        },
        "paths": {
            path: {method: dict(_operation(described)) for method, described in operations.items()}
            for path, operations in document["paths"].items()
        },
        "definitions": {
            name: _schema(schema) for name, schema in document.get("components", {}).get("schemas", {}).items()
        },
    }


def _operation(described: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ("operationId", "summary", "description", "tags"):
        if key in described:
            yield key, described[key]
    yield "produces", ["application/json"]
    yield "parameters", list(_parameters(described))
    yield "responses", {status: _response(response) for status, response in described["responses"].items()}
    for scheme in described.get("security", ()):
        if "access_token" in scheme:
            yield "security", [{"access_token": []}]
            yield "x-scopes", scheme["access_token"]


def _parameters(described: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for parameter in described.get("parameters", ()):
        if parameter["in"] != "cookie":
            schema = {"type": "string", **_schema(parameter.get("schema", {}))}
            schema.pop("title", None)
            described_as = {key: parameter[key] for key in ("name", "in", "description") if key in parameter}
            yield {**schema, **described_as, "required": parameter.get("required", False)}
    if "requestBody" in described:
        content = described["requestBody"]["content"]
        schema = next(iter(content.values())).get("schema", {})
        required = described["requestBody"].get("required", False)
        yield {"name": "body", "in": "body", "required": required, "schema": _schema(schema)}


def _response(response: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": response["description"]}
    content = response.get("content", {})
    if "application/json" in content:
        told["schema"] = _schema(content["application/json"].get("schema", {}))
    return told


def _schema(schema: Any) -> dict[str, Any]:
    """The schema in the words of Swagger 2.0; what these cannot say becomes `anything`."""
    if not isinstance(schema, dict):  # `true`: anything
        return {}
    if "$ref" in schema:
        return {"$ref": schema["$ref"].replace(_SCHEMAS, _DEFINITIONS)}
    if "anyOf" in schema:
        told = [each for each in schema["anyOf"] if each.get("type") != "null"]
        one = _schema(told[0]) if len(told) == 1 else {}
        return {**one, "x-nullable": True} if len(told) < len(schema["anyOf"]) and "$ref" not in one else one
    kept: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    if "const" in schema:
        kept["enum"] = [schema["const"]]
    if "properties" in schema:
        kept["properties"] = {name: _schema(each) for name, each in schema["properties"].items()}
    if "items" in schema:
        kept["items"] = _schema(schema["items"])
    elif kept.get("type") == "array":
        kept["items"] = {}
    if "additionalProperties" in schema:
        kept["additionalProperties"] = _schema(schema["additionalProperties"])
    return kept
