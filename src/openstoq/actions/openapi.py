"""The OpenAPI 3.1 document, generated from the registry."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from openstoq import __version__
from openstoq.actions.action import Action
from openstoq.actions.help import BASE_PATH

_DEFINITIONS, _COMPONENTS = "#/$defs/", "#/components/schemas/"

_ERROR = {
    "type": "object",
    "required": ["errors"],
    "properties": {"errors": {"type": "array", "items": {"type": "string"}, "minItems": 1}},
}
_SPENT = {
    "type": "object",
    "required": ["error", "retry_after", "message"],
    "properties": {
        "error": {"type": "string"},
        "retry_after": {"type": "integer"},
        "message": {"type": "string"},
    },
}
_EFFECTS = {
    "type": "array",
    "description": "Of a dry run: the jobs that it would have enqueued.",
    "items": {
        "type": "object",
        "required": ["job", "arguments"],
        "properties": {"job": {"type": "string"}, "arguments": {"type": "object"}},
    },
}
_PROBLEMS = {
    "400": "The request cannot be read.",
    "401": "The API key is missing or not valid.",
    "404": "There is no such thing in this shop.",
    "422": "The values are not acceptable; every problem is named.",
    "429": "The shop's points are used up; Retry-After says when they are back.",
    "500": "Something is wrong on our side; the request id is named.",
    "503": "It cannot be done at the moment; Retry-After says when to try again.",
}
_WRITE_PROBLEMS = {
    "409": "Its present state forbids it; the sentence says how to unblock it.",
    "413": "The body is too large.",
}
_RETRY_AFTER = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer"}}}
_WRITE_PARAMETERS = [
    {
        "name": "dry_run",
        "in": "query",
        "description": "Answer as if it were done, list its effects, and change nothing.",
        "schema": {"type": "boolean", "default": False},
    },
    {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "The same key and request get the same answer for 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
]


def document(actions: Iterable[Action], *, server: str) -> dict[str, Any]:
    """Return the OpenAPI document of `actions`, served at the URL `server`."""
    schemas: dict[str, Any] = {"Errors": _ERROR, "PointsSpent": _SPENT, "Effects": _EFFECTS}
    paths: dict[str, Any] = {}
    for action in actions:
        paths.setdefault(action.path, {})[action.method.lower()] = _operation(action, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "openstoq API v2",
            "version": __version__,
            "description": "Preorders and back-in-stock alerts of a Shopify shop, as named actions.",
        },
        "servers": [{"url": server + BASE_PATH}],
        "security": [{"ApiKey": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"}
            },
        },
    }


def _operation(action: Action, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": action.tool,
        "summary": action.summary,
        "tags": [action.name.rsplit(".", 1)[0]],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in action.path_params
        ],
        "responses": {
            **_answers(action, schemas),
            **_refusals(action),
        },
    }
    if action.note:
        operation["description"] = action.note
    request = _hoisted(_moved(action.request_schema), schemas)
    if action.writes:
        operation["parameters"] += _WRITE_PARAMETERS
        if action.request is not None:
            operation["requestBody"] = {
                "required": action.requires_body,
                "content": _json(request),
            }
    else:
        operation["parameters"] += _query(request)
    return operation


def _answers(action: Action, schemas: dict[str, Any]) -> dict[str, Any]:
    schema = _hoisted(_response(action.response), schemas)
    if action.writes:
        effects = {"effects": {"$ref": f"{_COMPONENTS}Effects"}}
        schema = {**schema, "properties": {**schema.get("properties", {}), **effects}}
    answers = {str(action.status): "Done." if action.writes else "Found."}
    if action.partly is not None:
        answers[str(action.partly)] = "Done in part; each that was not is named."
    return {
        status: {"description": text, "content": _json(schema)} for status, text in answers.items()
    }


def _refusals(action: Action) -> dict[str, Any]:
    problems = {**_PROBLEMS, **_WRITE_PROBLEMS} if action.writes else _PROBLEMS
    return {
        status: {
            "description": text,
            "content": _json(
                {"$ref": _COMPONENTS + ("PointsSpent" if status == "429" else "Errors")}
            ),
            **({"headers": _RETRY_AFTER} if status in ("429", "503") else {}),
        }
        for status, text in sorted(problems.items())
    }


@cache
def _response(shape: TypeAdapter[Any]) -> dict[str, Any]:
    return shape.json_schema(ref_template=_COMPONENTS + "{model}", mode="serialization")


def _moved(schema: Any) -> Any:
    """Return a copy of a schema whose references point to the document's components.

    Letting pydantic make the schema again with these references would take many times as long.
    """
    if isinstance(schema, dict):
        return {name: _moved(part) for name, part in schema.items()}
    if isinstance(schema, list):
        return [_moved(part) for part in schema]
    if isinstance(schema, str) and schema.startswith(_DEFINITIONS):
        return schema.replace(_DEFINITIONS, _COMPONENTS, 1)
    return schema


def _query(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "query",
            "required": name in request.get("required", ()),
            "schema": schema,
        }
        for name, schema in request.get("properties", {}).items()
    ]


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _hoisted(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Add a schema's definitions to the document's components; return the schema without them.

    Raises ValueError if two different models have the same name.
    """
    for name, definition in schema.get("$defs", {}).items():
        if schemas.setdefault(name, definition) != definition:
            raise ValueError(f"two different models are named {name}; rename one of them")
    return {name: part for name, part in schema.items() if name != "$defs"}
