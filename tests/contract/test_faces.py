"""The registry against the documented API, and its faces against each other."""

import json
import re

import httpx
import jsonschema
import pytest
import schemathesis

from openstoq.actions import openapi
from openstoq.actions.help import BASE_PATH, levels_of, segments_in
from openstoq.mcp.tools import input_schema, tool
from openstoq.registry import ACTIONS
from tests.factories.apps import serving
from tests.factories.clients import patient_client
from tests.factories.schemas import places
from tests.facts.load import documented_actions

# Sections of the documents whose every action exists; the rest is still being built.
COMPLETE_SECTIONS = (
    "Back In Stock · Notifications",
    "Back In Stock · Settings",
    "Back In Stock · Signups",
    "Preorders · Offers",
    "Preorders · Orders",
    "Preorders · Product Variants",
)

# Actions of ours that the documents do not have.
ADDITIONS = {
    ("POST", "/back_in_stock/signups/import"),
    ("GET", "/back_in_stock/brand"),
    ("PATCH", "/back_in_stock/brand"),
    ("GET", "/back_in_stock/templates"),
    ("GET", "/back_in_stock/templates/source"),
    ("POST", "/back_in_stock/templates/preview"),
    ("POST", "/back_in_stock/templates/send_test"),
    ("POST", "/back_in_stock/templates/set"),
    ("POST", "/back_in_stock/templates/unset"),
    ("POST", "/back_in_stock/signups/unblock"),
    ("POST", "/preorders/orders/bulk_set_tags"),
}

# Fields that the reference does not mark, and without which their actions do nothing: it says of
# `confirm` in words that it must be true, and a bulk job has to know its orders.
NEEDED = {"confirm", "order_ids"}

BY_ADDRESS = {(action.method, action.path): action for action in ACTIONS}


@pytest.fixture(scope="module")
def documented():
    return documented_actions()


def test_every_action_is_documented_or_an_addition(documented):
    known = {(one["method"], one["path"]) for one in documented}
    assert set(BY_ADDRESS) - known == ADDITIONS


@pytest.mark.parametrize("section", COMPLETE_SECTIONS)
def test_complete_sections_have_every_documented_action(documented, section):
    asked = {(one["method"], one["path"]) for one in documented if one["section"] == section}
    assert asked
    assert asked <= set(BY_ADDRESS)


def test_documented_fields_are_taken(documented):
    for one in documented:
        action = BY_ADDRESS.get((one["method"], one["path"]))
        if action is None:
            continue
        schema = action.request_schema
        names = [*one.get("params", ()), *one.get("body", ())]
        for field in names:
            taken = action.path_params if field.get("in") == "path" else schema["properties"]
            assert field["name"] in taken, f"{action.name} does not take {field['name']}"
        body = one.get("body", ())
        # An action that does nothing but write its one field needs it, said or not.
        alone = len(body) == 1
        required = {field["name"] for field in body if alone or field.get("required")} | NEEDED
        assert set(schema.get("required", ())) <= required | {
            field["name"] for field in one.get("params", ()) if field.get("required")
        }, f"{action.name} asks for more than is documented"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_an_action_describes_itself(action):
    assert action.summary.endswith(".")
    assert action.aliases
    assert all(alias == alias.strip().lower() and alias for alias in action.aliases)
    assert re.fullmatch(r"[a-z0-9_]{1,64}", action.tool)
    # A tool's arguments are the path's and the request's together, so none may hide another.
    properties = action.request_schema.get("properties", {})
    assert not {*action.path_params, "dry_run", "idempotency_key"} & set(properties)


def test_names_and_tools_are_unique():
    assert len({action.name for action in ACTIONS}) == len(ACTIONS)
    assert len({action.tool for action in ACTIONS}) == len(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_text_in_a_request_is_bounded(action):
    schema = action.request_schema
    for path, option in places(schema, schema):
        if option.get("type") == "string":
            assert {"maxLength", "pattern", "enum", "const", "format"} & set(option), path
        if option.get("type") == "array":
            assert "maxItems" in option, path
        if option.get("type") == "integer":
            assert {"maximum", "exclusiveMaximum", "enum", "const"} & set(option), path


async def test_help_openapi_and_mcp_say_the_same(client):
    helped = {entry["name"]: entry for entry in (await client.get("/help")).json()["actions"]}
    document = (await client.get("/openapi.json")).json()
    assert list(helped) == [action.name for action in ACTIONS]
    operations = {
        operation["operationId"]: (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert len(operations) == len(ACTIONS)
    for action in ACTIONS:
        entry = helped[action.name]
        path, method, operation = operations[action.tool]
        assert (path, method.upper()) == (action.path, action.method)
        assert entry["path"] == path.replace("{", ":").replace("}", "")
        assert operation["summary"] == entry["description"] == action.summary
        assert _properties_in(document, operation) == entry["request_schema"].get("properties", {})
        assert tool(action).description.startswith(entry["description"])
        told = input_schema(action)["properties"]
        for option in (
            *action.path_params,
            *(("dry_run", "idempotency_key") if action.writes else ()),
        ):
            told.pop(option)
        assert told == entry["request_schema"].get("properties", {})


def _properties_in(document, operation):
    """What an operation takes, with the references of /help."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    properties = body.get("schema", {}).get("properties") or {
        one["name"]: one["schema"]
        for one in operation["parameters"]
        if one["in"] == "query" and one["name"] != "dry_run"
    }
    text = json.dumps(properties).replace("#/components/schemas/", "#/$defs/")
    assert document["components"]["schemas"]
    return json.loads(text)


async def test_the_openapi_document_is_public_and_valid(app, client):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://shop.test"
    ) as stranger:
        document = (await stranger.get("/openapi.json")).json()
        assert (await stranger.get(f"{BASE_PATH}/openapi.json")).json() == document
    assert document == json.loads(
        json.dumps(openapi.document(ACTIONS, server="http://127.0.0.1:8000"))
    )
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    for name in set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"]
    assert text.count('"$ref"') == len(re.findall(r'"\$ref": "#/components/schemas/', text))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            named = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            assert named == re.findall(r"{(\w+)}", path)
            assert all(status.isdecimal() for status in operation["responses"])


async def test_the_openapi_document_is_sent_once_and_compressed(app):
    async with serving(app) as address, patient_client(base_url=address) as stranger:
        whole = await stranger.get("/openapi.json", headers={"Accept-Encoding": "identity"})
        compressed = await stranger.get("/openapi.json", headers={"Accept-Encoding": "br, gzip"})
        refused = await stranger.get("/openapi.json", headers={"Accept-Encoding": "gzip; q=0"})
        assert compressed.headers["Content-Encoding"] == "gzip"
        assert int(compressed.headers["Content-Length"]) < len(whole.content) / 5
        assert compressed.content == whole.content == refused.content
        assert "Content-Encoding" not in refused.headers
        tag = {"If-None-Match": whole.headers["ETag"]}
        again = await stranger.get("/openapi.json", headers=tag)
        assert (again.status_code, again.content) == (304, b"")


async def test_the_openapi_document_loads_in_schemathesis(app):
    loaded = schemathesis.openapi.from_dict(
        openapi.document(ACTIONS, server="http://127.0.0.1:8000")
    )
    loaded.validate()
    assert len(list(loaded.get_all_operations())) == len(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_every_schema_is_a_json_schema(action):
    for schema in (action.request_schema, input_schema(action), action.response.json_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)


def test_help_narrows_by_every_actions_own_path():
    levels = levels_of(ACTIONS)
    for action in ACTIONS:
        assert action in levels.find(segments_in(action.path)).actions


async def test_mcp_lists_every_action(app, key):
    async with serving(app) as address, patient_client() as http:
        answer = await http.post(
            f"{address}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
            headers={"X-Auth-Token": key},
        )
    listed = {one["name"]: one for one in answer.json()["result"]["tools"]}
    assert list(listed) == [action.tool for action in ACTIONS]
    for action in ACTIONS:
        assert listed[action.tool]["inputSchema"] == input_schema(action)
        assert listed[action.tool]["annotations"]["readOnlyHint"] is not action.writes
    destructive = {name for name, one in listed.items() if one["annotations"]["destructiveHint"]}
    orders = {name for name in destructive if name.startswith("preorders_orders_")}
    assert orders == {
        f"preorders_orders_{name}"
        for name in (
            "cancel",
            "bulk_cancel",
            "payments_charge_balance",
            "payments_refund",
            "payments_refund_balance",
            "payments_refund_deposit",
        )
    }
    assert destructive - orders == {one.tool for one in ACTIONS if one.method == "DELETE"}
